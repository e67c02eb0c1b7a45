// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/netlink_socket.hpp"

#include <functional>
#include <string>

struct nlmsghdr;

namespace netvsc {

/// Sends requests to the kernel by netlink(7) and waits for the answers; move-only. One thread at a
/// time.
class NetlinkExchange {
public:
    /// @param protocol  NETLINK_ROUTE, ...
    /// @param what      the subject of the requests, for errors
    [[nodiscard]] static Result<NetlinkExchange> open(int protocol, std::string what);

    /// Sends a request and reads its whole answer, for 5 s at most: an acknowledgement (NLM_F_ACK)
    /// or all messages of a dump (NLM_F_DUMP).
    /// @param request  its sequence number is set by this call
    /// @param answer   called with each message of a dump. The message is complete, its payload is
    ///                 not checked.
    /// @return the kernel's error, failure(ETIMEDOUT), or failure(ENOBUFS) if messages were lost
    [[nodiscard]] Result<void> transact(nlmsghdr &request,
                                        const std::function<void(const nlmsghdr &)> &answer) const;
    /// The same for a request whose only answer is an acknowledgement.
    [[nodiscard]] Result<void> transact(nlmsghdr &request) const;

private:
    NetlinkExchange(NetlinkSocket socket, std::string what)
        : socket_(std::move(socket)), what_(std::move(what)) {}

    NetlinkSocket socket_;
    std::string what_;
    mutable std::uint32_t sequence_ = 0;
};

} // namespace netvsc
