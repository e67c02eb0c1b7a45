// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <vector>

namespace netvsc {

/// An XDP program at a netdevice.
struct XdpProgram {
    std::uint32_t id = 0;   ///< the kernel's number of the program
    std::uint32_t mode = 0; ///< XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE or XDP_FLAGS_HW_MODE

    bool operator==(const XdpProgram &) const = default;
};

/// Those attached to a netdevice: one in each mode at most.
[[nodiscard]] Result<std::vector<XdpProgram>> xdp_programs(int ifindex);

/// Takes away what is attached to the netdevice in the program's mode. Needs CAP_NET_ADMIN.
[[nodiscard]] Result<void> detach_xdp_program(int ifindex, const XdpProgram &program);

} // namespace netvsc
