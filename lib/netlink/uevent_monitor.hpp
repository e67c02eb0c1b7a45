// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/netlink_socket.hpp"
#include "netlink/uevent.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace netvsc {

/// Follows the kernel's uevents (NETLINK_KOBJECT_UEVENT). Only what the kernel itself has sent
/// counts: another process that sends to the same group, as udev does, is not heard.
///
/// Threads: none of its own, no locking; one thread at a time may call it.
class UeventMonitor {
public:
    struct Counters {
        std::uint64_t messages = 0; ///< handed to the sink
        std::uint64_t dropped = 0;  ///< malformed, truncated, or not from the kernel
        std::uint64_t overruns = 0; ///< times the kernel was found to have dropped messages
    };
    using Sink = std::function<void(const Uevent &)>;

    [[nodiscard]] static Result<UeventMonitor> open(int receive_buffer = default_receive_buffer);

    static constexpr int default_receive_buffer = 1 << 20; ///< bytes

    /// Becomes readable when there is something for read().
    [[nodiscard]] int fd() const { return socket_.fd(); }

    /// Hands what the kernel has sent to @p sink, without waiting; a bounded number of messages.
    /// @return whether messages were lost: what they told has to be looked up in sysfs
    [[nodiscard]] Result<bool> read(const Sink &sink);

    [[nodiscard]] const Counters &counters() const { return counters_; }

private:
    explicit UeventMonitor(NetlinkSocket socket);

    NetlinkSocket socket_;
    std::vector<std::byte> buffer_;
    Counters counters_;
};

} // namespace netvsc
