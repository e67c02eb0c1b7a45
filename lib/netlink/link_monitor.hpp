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

/// Monitors all netdevices of this network namespace and their addresses through rtnetlink(7).
///
/// One socket receives notifications and dumps, so the events have the kernel's order. After the
/// kernel has dropped notifications, the monitor requests another dump: the sink receives
/// DumpBegin, the state of each netdevice, and DumpDone.
///
/// Has no thread and no lock. One thread at a time.
class LinkMonitor {
public:
    using Sink = std::function<void(const NetlinkEvent &)>;

    struct Counters {
        std::uint64_t messages = 0; ///< events passed to the sink
        std::uint64_t dropped = 0;  ///< malformed, truncated, or not from the kernel
        std::uint64_t overruns = 0; ///< how often the kernel had dropped messages
        std::uint64_t dumps = 0;    ///< completed dumps
    };

    static constexpr int default_receive_buffer = 1 << 20; ///< bytes

    /// Opens the socket and requests the first dump.
    /// @param receive_buffer  bytes; see NetlinkSocket::open()
    [[nodiscard]] static Result<LinkMonitor> open(int receive_buffer = default_receive_buffer);

    /// Readable when read() has something to read. Owned by the monitor.
    [[nodiscard]] int fd() const { return socket_.fd(); }

    /// Passes the received events to @p sink without waiting. Reads a bounded number of datagrams,
    /// so that a storm of messages cannot block the thread; poll(2) reports the rest again.
    /// @return an error if a dump could not be requested or was refused. The monitor still works,
    ///         and the caller may call request_dump() again.
    [[nodiscard]] Result<void> read(const Sink &sink);

    /// Like read(), but waits until the current dump is complete.
    /// @return failure(ETIMEDOUT) if that took longer than @p timeout
    [[nodiscard]] Result<void> read_until_dumped(const Sink &sink,
                                                 std::chrono::milliseconds timeout);

    /// Requests a full dump, or another one after the current dump.
    /// @return the error of send(2)
    [[nodiscard]] Result<void> request_dump();

    /// Sets a check that is made before each request for a dump: the kernel takes its rtnl lock for
    /// it. Where @p may_block returns false, the request stays pending() until the next call of
    /// request_dump() or read().
    void set_gate(std::function<bool()> may_block) { may_block_ = std::move(may_block); }
    /// A request waits for the gate.
    [[nodiscard]] bool pending() const { return unsent_; }

    /// A dump is in progress or requested.
    [[nodiscard]] bool dumping() const { return stage_ != Stage::idle || wanted_; }
    [[nodiscard]] const Counters &counters() const { return counters_; }

private:
    enum class Stage { idle, links, addresses };

    explicit LinkMonitor(NetlinkSocket socket);
    [[nodiscard]] Result<void> send_pending_request();
    void enter(Stage stage);
    [[nodiscard]] Result<void> send_request() const;
    [[nodiscard]] Result<void> handle(const NetlinkSocket::Received &received, const Sink &sink);
    void handle_loss();
    [[nodiscard]] Result<void> process(std::span<const std::byte> datagram, const Sink &sink);
    [[nodiscard]] Result<void> handle_error(const nlmsghdr *message);
    void finish_stage(const Sink &sink);

    NetlinkSocket socket_;
    std::vector<std::byte> buffer_;
    std::function<bool()> may_block_; ///< null: always
    Counters counters_;
    Stage stage_ = Stage::idle;
    std::uint32_t sequence_ = 0;
    bool begun_ = false;    ///< the sink has received DumpBegin of the current dump
    bool answered_ = false; ///< the kernel has begun to answer the last request
    bool unsent_ = false;   ///< the request of this stage must be sent (again)
    bool wanted_ = false;   ///< messages were lost, or the dump is inconsistent: dump again
};

} // namespace netvsc
