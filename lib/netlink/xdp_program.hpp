// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <vector>

namespace netvsc {

/// An XDP program that is attached to a netdevice.
struct XdpProgram {
    std::uint32_t id = 0;   ///< the kernel's id of the program (bpf(2))
    std::uint32_t mode = 0; ///< XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE or XDP_FLAGS_HW_MODE

    bool operator==(const XdpProgram &) const = default;
};

/// Reads the XDP programs of a netdevice, at most one for each mode. Blocks until the kernel has
/// answered, 5 s at most. Any thread.
[[nodiscard]] Result<std::vector<XdpProgram>> xdp_programs(int ifindex);

/// Detaches the netdevice's program of the same mode as @p program. Needs CAP_NET_ADMIN. Any
/// thread.
[[nodiscard]] Result<void> detach_xdp_program(int ifindex, const XdpProgram &program);

} // namespace netvsc
