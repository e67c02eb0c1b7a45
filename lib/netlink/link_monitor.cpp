// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_monitor.hpp"

#include "base/system_call.hpp"
#include "netlink/complete_message.hpp"
#include "netlink/link_parser.hpp"
#include "netlink/netlink_request.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <utility>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

// The kernel fills a dump's datagrams up to the reader's buffer size, at most 32 KiB
// (af_netlink.c, netlink_recvmsg()).
constexpr std::size_t buffer_size = std::size_t{32} * 1024;

} // namespace

LinkMonitor::LinkMonitor(NetlinkSocket socket) : socket_(std::move(socket)), buffer_(buffer_size) {}

Result<LinkMonitor> LinkMonitor::open(int receive_buffer) {
    auto socket = NetlinkSocket::open(
        NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, receive_buffer);
    if (!socket)
        return std::unexpected(std::move(socket.error()));
    LinkMonitor monitor(std::move(*socket));
    if (auto asked = monitor.request_dump(); !asked)
        return std::unexpected(std::move(asked.error()));
    return monitor;
}

Result<void> LinkMonitor::request_dump() {
    wanted_ = true;
    return send_pending_request();
}

Result<void> LinkMonitor::send_pending_request() {
    if (stage_ == Stage::idle && wanted_) {
        wanted_ = false;
        begun_ = false;
        enter(Stage::links);
    }
    if (!unsent_ || (may_block_ && !may_block_()))
        return {};
    unsent_ = false;
    answered_ = false;
    auto sent = send_request();
    if (!sent)
        stage_ = Stage::idle;
    return sent;
}

void LinkMonitor::enter(Stage stage) {
    stage_ = stage;
    ++sequence_;
    unsent_ = true;
}

Result<void> LinkMonitor::send_request() const {
    if (stage_ == Stage::links) {
        NetlinkRequest<ifinfomsg> request(RTM_GETLINK, NLM_F_DUMP);
        request.header().nlmsg_seq = sequence_;
        // Statistics fill most of each message, and the driver does not use them.
        request.put_value(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
        return socket_.send(request.bytes());
    }
    NetlinkRequest<ifaddrmsg> request(RTM_GETADDR, NLM_F_DUMP);
    request.header().nlmsg_seq = sequence_;
    return socket_.send(request.bytes());
}

Result<void> LinkMonitor::read(const Sink &sink) {
    auto done = socket_.read(buffer_, [&](const auto &received) { return handle(received, sink); });
    return done ? send_pending_request() : done;
}

Result<void> LinkMonitor::handle(const NetlinkSocket::Received &received, const Sink &sink) {
    switch (received.kind) {
    case NetlinkSocket::Datagram::none:
        break;
    case NetlinkSocket::Datagram::overrun:
        ++counters_.overruns;
        handle_loss();
        break;
    case NetlinkSocket::Datagram::truncated:
        ++counters_.dropped;
        handle_loss();
        break;
    case NetlinkSocket::Datagram::foreign:
        ++counters_.dropped;
        break;
    case NetlinkSocket::Datagram::complete:
        return process(received.bytes, sink);
    }
    return {};
}

void LinkMonitor::handle_loss() {
    wanted_ = true;
    // The kernel's refusal of a request may be lost too, so the request is sent again. If the
    // kernel did not refuse the first one, it answers EBUSY to the second.
    unsent_ |= stage_ != Stage::idle && !answered_;
}

Result<void> LinkMonitor::process(std::span<const std::byte> datagram, const Sink &sink) {
    const auto *message = reinterpret_cast<const nlmsghdr *>(datagram.data());
    int left = static_cast<int>(datagram.size());
    for (; is_complete_message(message, left); message = mnl_nlmsg_next(message, &left)) {
        const bool answer =
            message->nlmsg_seq == sequence_ && message->nlmsg_pid == socket_.port_id();
        if (answer && message->nlmsg_type != NLMSG_ERROR) {
            answered_ = true;
            wanted_ |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            // Not before the first answer: the socket may still hold notifications older than the
            // dump, and the RTM_DELLINK of their netdevice may be lost.
            if (stage_ == Stage::links && !begun_) {
                begun_ = true;
                sink(DumpBegin{});
            }
        }
        switch (message->nlmsg_type) {
        case NLMSG_DONE:
            if (answer)
                finish_stage(sink);
            break;
        case NLMSG_ERROR:
            if (answer) {
                if (auto handled = handle_error(message); !handled)
                    return handled;
            }
            break;
        default:
            bool malformed = false;
            if (const auto event = parse_rtnetlink(message, malformed)) {
                ++counters_.messages;
                sink(*event);
            }
            counters_.dropped += malformed ? 1 : 0;
        }
    }
    if (left > 0)
        ++counters_.dropped;
    return {};
}

Result<void> LinkMonitor::handle_error(const nlmsghdr *message) {
    int error = EBADMSG;
    if (mnl_nlmsg_get_payload_len(message) >= sizeof(nlmsgerr))
        error = -static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(message))->error;
    switch (error) {
    case EBUSY: // the dump is in progress: see handle_loss()
        return {};
    case ENOBUFS: // no room for the first answer: ask again after the socket was read
        unsent_ = true;
        return {};
    default:
        stage_ = Stage::idle;
        return failure(error, "netlink dump");
    }
}

void LinkMonitor::finish_stage(const Sink &sink) {
    if (wanted_) { // the dump is inconsistent: send_pending_request() starts another one
        stage_ = Stage::idle;
    } else if (stage_ == Stage::links) {
        enter(Stage::addresses);
    } else {
        stage_ = Stage::idle;
        ++counters_.dumps;
        sink(DumpDone{});
    }
}

Result<void> LinkMonitor::read_until_dumped(const Sink &sink, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (dumping()) {
        const auto readable = wait_readable(fd(), deadline);
        if (!readable)
            return std::unexpected(readable.error());
        if (!*readable)
            return failure(ETIMEDOUT, "netlink dump");
        if (auto done = read(sink); !done)
            return done;
    }
    return {};
}

} // namespace netvsc
