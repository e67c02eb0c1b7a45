// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

namespace netvsc {

/// What decides whether a NIC can have the path netvsc. Pure.
struct PathFacts {
    bool vmbus = false;             ///< the process has DPDK's VMBus bus
    bool hugepages = false;         ///< EAL has hugepages
    bool physical_addresses = true; ///< EAL's IOVA mode is PA
    bool uio_driver = false;        ///< the kernel has loaded uio_hv_generic
    /// The VMBus driver of the netdevice's device; empty: it is no VMBus device.
    std::string kernel_driver;
    /// The port of this application that uses the netdevice already; empty: none.
    std::string used_by;
};

/// @return what is missing, and what would work; nullopt: the path can be used
[[nodiscard]] std::optional<std::string> missing_for_path(const PathFacts &facts);

} // namespace netvsc
