// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"
#include "sysfs/netdevice.hpp"

#include <net/if_arp.h>

namespace netvsc {

/// One netdevice: what rtnetlink says of it, and what sysfs says of the device below it.
struct Link {
    LinkMessage message;
    DeviceFacts facts;

    [[nodiscard]] int ifindex() const { return message.ifindex; }
    [[nodiscard]] const std::string &name() const { return message.name; }
    [[nodiscard]] bool is_ethernet() const { return message.type == ARPHRD_ETHER; }
    [[nodiscard]] bool is_netvsc() const { return is_ethernet() && facts.netvsc; }
    /// An Ethernet netdevice of a PCI function: a VF, if it shares a NetVSC's MAC address.
    [[nodiscard]] bool may_be_vf() const { return is_ethernet() && !facts.netvsc && facts.pci; }
    /// The netdevice's current or permanent address is @p mac.
    [[nodiscard]] bool has_mac(const MacAddress &mac) const {
        return message.mac == mac || message.permanent_mac == mac;
    }
    bool operator==(const Link &) const = default;
};

/// A netdevice's name as it may be shown: bytes that are not printable ASCII as \\xNN.
[[nodiscard]] std::string printable(const std::string &name);

/// The name can stand in device arguments without changing their meaning. Linux allows
/// `,` `(` `)` `=` `[` `]` and more in a netdevice's name; fail-safe and kvargs split at them.
[[nodiscard]] bool safe_in_devargs(const std::string &name);

/// What the user is told of a netdevice whose name is not.
[[nodiscard]] std::string unsafe_in_devargs(const std::string &name);

} // namespace netvsc
