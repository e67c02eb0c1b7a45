// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/netlink_socket.hpp"
#include "netlink/uevent.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace netvsc {

/// Monitors the kernel's uevents (NETLINK_KOBJECT_UEVENT). Drops messages that other processes send
/// to the same group.
///
/// Has no thread and no lock. One thread at a time.
class UeventMonitor {
public:
    struct Counters {
        std::uint64_t messages = 0; ///< uevents passed to the sink
        std::uint64_t dropped = 0;  ///< malformed, truncated, or not from the kernel
        std::uint64_t overruns = 0; ///< how often the kernel had dropped messages
    };
    using Sink = std::function<void(const Uevent &)>;

    /// @param receive_buffer  bytes; see NetlinkSocket::open()
    [[nodiscard]] static Result<UeventMonitor> open(int receive_buffer = default_receive_buffer);

    static constexpr int default_receive_buffer = 1 << 20; ///< bytes

    /// Readable when read() has something to read. Owned by the monitor.
    [[nodiscard]] int fd() const { return socket_.fd(); }

    /// Passes the received uevents to @p sink without waiting, a bounded number of them.
    /// @return true if uevents were lost: the caller must read the devices' state from sysfs
    [[nodiscard]] Result<bool> read(const Sink &sink);

    [[nodiscard]] const Counters &counters() const { return counters_; }

private:
    explicit UeventMonitor(NetlinkSocket socket);

    NetlinkSocket socket_;
    std::vector<std::byte> buffer_;
    Counters counters_;
};

} // namespace netvsc
