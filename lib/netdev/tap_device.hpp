// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace netvsc {

/// A tap netdevice of our own, which the kernel takes away with the object, or with the process.
class TapDevice {
public:
    /// Opens /dev/net/tun and makes a netdevice whose name begins with "vscprobe".
    [[nodiscard]] static Result<TapDevice> make();

    [[nodiscard]] int ifindex() const { return ifindex_; }

private:
    TapDevice(FileDescriptor device, int ifindex) : device_(std::move(device)), ifindex_(ifindex) {}

    FileDescriptor device_;
    int ifindex_;
};

} // namespace netvsc
