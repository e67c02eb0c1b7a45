// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "netlink/mac_address.hpp"

#include <cstdint>
#include <string>

namespace netvsc::virtio {

/// One queue of a multi-queue tap netdevice (tuntap.rst of the kernel) whose frames have a
/// virtio-net header of 12 bytes. The kernel removes the netdevice with its last queue.
class TapQueue {
public:
    /// Opens /dev/net/tun and attaches a queue. Makes the netdevice with the first one.
    /// @param name  of the netdevice; may have a "%d", for which the kernel puts a number
    [[nodiscard]] static Result<TapQueue> attach(const std::string &name);

    [[nodiscard]] int fd() const { return device_.get(); }
    /// The name that the netdevice had when the queue was attached.
    [[nodiscard]] const std::string &name() const { return name_; }

    /// What the tap may put in front of a frame for the driver: TUN_F_ flags of linux/if_tun.h.
    [[nodiscard]] Result<void> set_offloads(unsigned flags) const;
    [[nodiscard]] Result<void> set_mac(const MacAddress &mac) const;
    /// The netdevice is up.
    [[nodiscard]] bool up() const;

private:
    TapQueue(FileDescriptor device, std::string name)
        : device_(std::move(device)), name_(std::move(name)) {}

    FileDescriptor device_;
    std::string name_;
};

} // namespace netvsc::virtio
