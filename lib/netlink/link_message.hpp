// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/mac_address.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace netvsc {

/// RTM_NEWLINK: the state of one netdevice (rtnetlink(7)).
struct LinkMessage {
    int ifindex = 0;
    std::string name;              ///< IFLA_IFNAME: 1 to 15 bytes of any value but NUL and '/'
    std::uint16_t type = 0;        ///< ARPHRD_*
    std::uint32_t flags = 0;       ///< IFF_*
    bool carrier = false;          ///< IFLA_CARRIER, or IFF_LOWER_UP if the kernel sends none
    std::optional<MacAddress> mac; ///< IFLA_ADDRESS if it has six bytes
    std::optional<MacAddress> permanent_mac; ///< IFLA_PERM_ADDRESS (Linux 5.6)
    /// The message has an IFLA_INFO_KIND (veth, vlan, bridge, ...): a software netdevice without a
    /// device. NetVSC and VF netdevices have no kind.
    bool software = false;
    /// The name of the parent PCI function (IFLA_PARENT_DEV_NAME, IFLA_PARENT_DEV_BUS_NAME,
    /// Linux 5.14); empty if the kernel sends none. Not checked to be a PCI address.
    std::string pci_parent;

    bool operator==(const LinkMessage &) const = default;
};

/// RTM_DELLINK: the netdevice was removed from this network namespace.
struct LinkGone {
    int ifindex = 0;
    bool operator==(const LinkGone &) const = default;
};

/// One IPv4 or IPv6 address of a netdevice.
struct InterfaceAddress {
    int ifindex = 0;
    std::uint8_t family = 0;                ///< AF_INET or AF_INET6
    std::uint8_t prefix_length = 0;         ///< in bits
    std::array<std::uint8_t, 16> address{}; ///< network byte order; IPv4 in the first four bytes
    auto operator<=>(const InterfaceAddress &) const = default;
};

/// The address is an IPv6 one for its link only: fe80::/10 (RFC 4291, 2.5.6).
[[nodiscard]] bool is_link_local(const InterfaceAddress &address);

/// "10.0.0.4/24", "fe80::1/64"
[[nodiscard]] std::string text_of(const InterfaceAddress &address);

/// RTM_NEWADDR, or RTM_DELADDR if `gone`.
struct AddressMessage {
    InterfaceAddress address;
    bool gone = false;
    bool operator==(const AddressMessage &) const = default;
};

/// A full dump begins: a netdevice or address that no event names before DumpDone does not exist.
struct DumpBegin {};
/// The dump is complete and consistent.
struct DumpDone {};

using NetlinkEvent = std::variant<LinkMessage, LinkGone, AddressMessage, DumpBegin, DumpDone>;

} // namespace netvsc
