// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

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

/// Attaches a program of type BPF_PROG_TYPE_XDP to a netdevice that has none. Needs CAP_NET_ADMIN.
/// Any thread.
/// @param program  its descriptor; the netdevice holds the program from then on
/// @param mode     XDP_FLAGS_*_MODE
[[nodiscard]] Result<void> attach_xdp_program(int ifindex, const FileDescriptor &program,
                                              std::uint32_t mode);

/// Attaches a program of the netdevice in another mode instead. Frames of the moment in between go
/// to the kernel. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN. Any thread.
/// @param mode  XDP_FLAGS_*_MODE
/// @return on failure the program is in its earlier mode, unless the kernel refuses that too
[[nodiscard]] Result<void> move_xdp_program(int ifindex, const XdpProgram &program,
                                            std::uint32_t mode);

} // namespace netvsc
