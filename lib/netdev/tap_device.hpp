// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace netvsc {

/// A tap netdevice that this process creates; move-only. The kernel removes it when the object is
/// destroyed or the process ends.
class TapDevice {
public:
    /// Creates a netdevice whose name begins with "vscprobe". Needs CAP_NET_ADMIN and /dev/net/tun.
    [[nodiscard]] static Result<TapDevice> create();

    [[nodiscard]] int ifindex() const { return ifindex_; }

private:
    TapDevice(FileDescriptor device, int ifindex) : device_(std::move(device)), ifindex_(ifindex) {}

    FileDescriptor device_;
    int ifindex_;
};

} // namespace netvsc
