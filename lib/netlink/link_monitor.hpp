// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"
#include "netlink/netlink_socket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

struct nlmsghdr;

namespace netvsc {

/// Follows all netdevices of this network namespace, and their addresses, through rtnetlink(7).
///
/// One socket serves notifications and listings, so what it yields is in the kernel's order.
/// When the kernel had to drop notifications the monitor lists everything again by itself: the
/// reader sees DumpBegin, the state of every netdevice, and DumpDone.
///
/// Threads: none of its own, no locking; one thread at a time may call it.
class LinkMonitor {
public:
    using Sink = std::function<void(const NetlinkEvent &)>;

    struct Counters {
        std::uint64_t messages = 0; ///< events handed to the sink
        std::uint64_t dropped = 0;  ///< malformed, truncated, or not from the kernel
        std::uint64_t overruns = 0; ///< times the kernel was found to have dropped messages
        std::uint64_t dumps = 0;    ///< listings completed
    };

    static constexpr int default_receive_buffer = 1 << 20; ///< bytes

    /// Opens the socket and asks for the first listing.
    [[nodiscard]] static Result<LinkMonitor> open(int receive_buffer = default_receive_buffer);

    /// Becomes readable when there is something for read().
    [[nodiscard]] int fd() const { return socket_.fd(); }

    /// Hands what the kernel has sent to @p sink, without waiting. Reads a bounded number of
    /// datagrams, so that a storm cannot keep the thread: descriptors that are still readable
    /// are reported again.
    /// @return an error if a listing could not be started or was refused; the monitor goes on,
    ///         and request_dump() may be tried again.
    [[nodiscard]] Result<void> read(const Sink &sink);

    /// Like read(), but waits until the listing under way is complete.
    /// @return failure(ETIMEDOUT) when that took longer than @p timeout
    [[nodiscard]] Result<void> read_until_listed(const Sink &sink,
                                                 std::chrono::milliseconds timeout);

    /// Asks for a full listing; while one is under way, for another one after it.
    [[nodiscard]] Result<void> request_dump();

    /// A listing is under way.
    [[nodiscard]] bool listing() const { return stage_ != Stage::idle || wanted_; }
    [[nodiscard]] const Counters &counters() const { return counters_; }

private:
    enum class Stage { idle, links, addresses };

    explicit LinkMonitor(NetlinkSocket socket);
    [[nodiscard]] Result<void> proceed();
    void enter(Stage stage);
    [[nodiscard]] Result<void> send_request() const;
    [[nodiscard]] Result<void> take(const NetlinkSocket::Received &received, const Sink &sink);
    void lose();
    [[nodiscard]] Result<void> process(std::span<const std::byte> datagram, const Sink &sink);
    [[nodiscard]] Result<void> refuse(const nlmsghdr *message);
    void finish_stage(const Sink &sink);

    NetlinkSocket socket_;
    std::vector<std::byte> buffer_;
    Counters counters_;
    Stage stage_ = Stage::idle;
    std::uint32_t sequence_ = 0;
    bool announced_ = false; ///< DumpBegin of the listing under way has been handed on
    bool answered_ = false;  ///< the kernel has begun to answer the last request
    bool unsent_ = false;    ///< the request of this stage is to be sent (again)
    bool wanted_ = false;    ///< messages were lost, or the listing is not consistent: list anew
};

} // namespace netvsc
