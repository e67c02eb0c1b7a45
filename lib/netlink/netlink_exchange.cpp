// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/netlink_exchange.hpp"

#include "base/system_call.hpp"
#include "netlink/complete_message.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>

namespace netvsc {
namespace {

constexpr int receive_buffer = 64 * 1024;
constexpr std::chrono::seconds answer_limit{5};

} // namespace

Result<NetlinkExchange> NetlinkExchange::open(int protocol, std::string what) {
    auto socket = NetlinkSocket::open(protocol, 0, receive_buffer);
    if (!socket)
        return std::unexpected(std::move(socket.error()));
    return NetlinkExchange(std::move(*socket), std::move(what));
}

Result<void> NetlinkExchange::transact(nlmsghdr &request) const {
    return transact(request, [](const nlmsghdr & /*message*/) {});
}

Result<void> NetlinkExchange::transact(nlmsghdr &request,
                                       const std::function<void(const nlmsghdr &)> &answer) const {
    request.nlmsg_seq = ++sequence_;
    if (auto sent = socket_.send(
            std::as_bytes(std::span(reinterpret_cast<const char *>(&request), request.nlmsg_len)));
        !sent)
        return sent;
    alignas(nlmsghdr) static thread_local std::array<std::byte, receive_buffer> buffer;
    const auto deadline = std::chrono::steady_clock::now() + answer_limit;
    for (;;) {
        const auto readable = wait_readable(socket_.fd(), deadline);
        if (!readable)
            return std::unexpected(readable.error());
        if (!*readable)
            return failure(ETIMEDOUT, what_);
        const auto received = socket_.receive(buffer);
        if (!received)
            return std::unexpected(received.error());
        if (received->kind == NetlinkSocket::Datagram::truncated ||
            received->kind == NetlinkSocket::Datagram::overrun)
            return failure(ENOBUFS, what_);
        int left = static_cast<int>(received->bytes.size());
        for (const auto *message = reinterpret_cast<const nlmsghdr *>(received->bytes.data());
             is_complete_message(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_seq != sequence_)
                continue; // answers an earlier request that timed out
            if (message->nlmsg_type == NLMSG_DONE)
                return {};
            if (message->nlmsg_type != NLMSG_ERROR) {
                answer(*message);
                continue;
            }
            nlmsgerr error{};
            if (mnl_nlmsg_get_payload_len(message) < sizeof error)
                return failure(EBADMSG, what_);
            std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
            if (error.error != 0)
                return failure(-error.error, what_);
            return {};
        }
    }
}

} // namespace netvsc
