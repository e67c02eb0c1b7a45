// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"
#include "sysfs/netdevice.hpp"

#include <net/if.h>
#include <net/if_arp.h>

namespace netvsc {

/// One netdevice: its state by rtnetlink, and the facts about the device below it by sysfs.
struct Link {
    LinkMessage message;
    DeviceFacts facts;

    [[nodiscard]] int ifindex() const { return message.ifindex; }
    [[nodiscard]] const std::string &name() const { return message.name; }
    [[nodiscard]] bool is_ethernet() const { return message.type == ARPHRD_ETHER; }
    [[nodiscard]] bool is_netvsc() const { return is_ethernet() && facts.netvsc; }
    /// An Ethernet netdevice of a PCI function: a VF, if it shares a NetVSC's MAC address.
    [[nodiscard]] bool may_be_vf() const { return is_ethernet() && !facts.netvsc && facts.pci; }
    [[nodiscard]] bool is_up() const { return (message.flags & IFF_UP) != 0; }
    /// The netdevice can send and receive.
    [[nodiscard]] bool is_running() const { return is_up() && message.carrier; }
    /// The netdevice's current or permanent address is @p mac.
    [[nodiscard]] bool has_mac(const MacAddress &mac) const {
        return message.mac == mac || message.permanent_mac == mac;
    }
    bool operator==(const Link &) const = default;
};

/// A netdevice's name for output: bytes that are not printable ASCII become \\xNN.
[[nodiscard]] std::string printable(const std::string &name);

/// Whether the name is safe in device arguments. Linux allows
/// `,` `(` `)` `=` `[` `]` and more in a netdevice's name; fail-safe and kvargs split at them.
[[nodiscard]] bool safe_in_devargs(const std::string &name);

/// The error message for a netdevice whose name is not safe.
[[nodiscard]] std::string unsafe_in_devargs(const std::string &name);

} // namespace netvsc
