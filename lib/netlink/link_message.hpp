// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/mac_address.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace netvsc {

/// The state of one netdevice as rtnetlink(7) tells it in RTM_NEWLINK.
struct LinkMessage {
    int ifindex = 0;
    std::string name;                        ///< IFLA_IFNAME, 1 to 15 bytes of any value but '/'
    std::uint16_t type = 0;                  ///< ARPHRD_*
    std::uint32_t flags = 0;                 ///< IFF_*
    bool carrier = false;                    ///< IFLA_CARRIER, else IFF_LOWER_UP
    std::optional<MacAddress> mac;           ///< IFLA_ADDRESS where it has six bytes
    std::optional<MacAddress> permanent_mac; ///< IFLA_PERM_ADDRESS (Linux 5.6)
    /// There is an IFLA_LINKINFO kind (veth, vlan, bridge, ...): made by software, without a
    /// device below it. NetVSC and VF netdevices have none.
    bool software = false;
    /// The name of the PCI function right below, where the kernel says so (IFLA_PARENT_DEV_NAME,
    /// IFLA_PARENT_DEV_BUS_NAME, Linux 5.14); else empty. Not checked to be an address.
    std::string pci_parent;

    bool operator==(const LinkMessage &) const = default;
};

/// RTM_DELLINK: the netdevice is gone from this network namespace.
struct LinkGone {
    int ifindex = 0;
    bool operator==(const LinkGone &) const = default;
};

/// One IPv4 or IPv6 address of a netdevice.
struct InterfaceAddress {
    int ifindex = 0;
    std::uint8_t family = 0;                ///< AF_INET or AF_INET6
    std::uint8_t prefix_length = 0;         ///< in bits
    std::array<std::uint8_t, 16> address{}; ///< network order; IPv4 in the first four bytes
    auto operator<=>(const InterfaceAddress &) const = default;
};

/// RTM_NEWADDR or RTM_DELADDR.
struct AddressMessage {
    InterfaceAddress address;
    bool gone = false;
    bool operator==(const AddressMessage &) const = default;
};

/// A full listing begins: what is not named before DumpDone is not there.
struct DumpBegin {};
/// The listing is complete and consistent.
struct DumpDone {};

using NetlinkEvent = std::variant<LinkMessage, LinkGone, AddressMessage, DumpBegin, DumpDone>;

} // namespace netvsc
