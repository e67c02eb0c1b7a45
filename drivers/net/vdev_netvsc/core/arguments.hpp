// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"
#include "keepalive/keepalive_layout.hpp"
#include "netlink/mac_address.hpp"

#include <chrono>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace netvsc {

/// One device argument: `key=value`.
struct KeyValue {
    std::string key;
    std::string value;
};

/// The value of path=: what carries a NIC's frames.
enum class NicPath {
    failsafe, ///< fail-safe over a fallback and the VF
    netvsc,   ///< DPDK's net_netvsc, which has the NIC in place of hv_netvsc
};

/// The device arguments of one instance of the driver.
struct Arguments {
    std::vector<std::string> interfaces;     ///< iface=, in the order given, without duplicates
    std::vector<MacAddress> macs;            ///< mac=, likewise
    bool force = false;                      ///< force=1: a named netdevice need not be NetVSC
    NicPath path = NicPath::failsafe;        ///< path=
    bool ignore = false;                     ///< ignore=1: do nothing
    WantedFallback fallback = Fallback::tap; ///< fallback=
    std::string vf_bind; ///< vf_bind=: the kernel driver to bind VFs to; empty: VFs keep theirs
    std::string vf_args; ///< vf_args=: device arguments of VFs, `key=value`, separated by commas
    std::chrono::milliseconds hotplug_poll = default_hotplug_poll;
    std::chrono::milliseconds keepalive{}; ///< keepalive=: the period; 0: off
    /// keepalive_shm=: the shared-memory area's name
    std::string keepalive_shm{KeepaliveLayout::default_name};
    std::string
        keepalive_group; ///< keepalive_group=: the group that may read the area; empty: none

    static constexpr std::chrono::milliseconds default_hotplug_poll{20};
    static constexpr std::chrono::milliseconds max_hotplug_poll{60'000};
    static constexpr std::chrono::milliseconds max_keepalive{60'000};

    /// No netdevice is named: the instance wants every unrouted NetVSC.
    [[nodiscard]] bool automatic() const { return interfaces.empty() && macs.empty(); }

    /// Checks and collects device arguments.
    /// @return an error message that names the argument and what was expected
    [[nodiscard]] static std::expected<Arguments, std::string>
    parse(std::span<const KeyValue> pairs);
};

} // namespace netvsc
