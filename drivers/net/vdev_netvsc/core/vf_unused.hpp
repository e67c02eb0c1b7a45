// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

namespace netvsc {

/// Why a port uses its fallback although a VF of it exists. The values are those of the public
/// enumeration (rte_pmd_vdev_netvsc.h).
enum class VfUnused : std::uint8_t {
    no,           ///< the VF carries the packets, or no VF exists
    attaching,    ///< the driver probes and announces it, and fail-safe attaches it
    bind_failed,  ///< the kernel driver of vf_bind= could not be bound
    probe_failed, ///< no PMD of DPDK could probe it
    detached,     ///< fail-safe detached it, for example because its PMD reported its removal
    application,  ///< the application configures the port, or has closed the VF's port
    held,         ///< rte_pmd_vdev_netvsc_vf_hold() was called
    no_carrier,   ///< its netdevice is down or has no carrier yet
    has_address,  ///< vf_bind= does not bind a VF whose netdevice has an IP address
};

/// "probe_failed"; "" for VfUnused::no
[[nodiscard]] std::string_view name_of(VfUnused reason);

} // namespace netvsc
