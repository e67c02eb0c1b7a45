// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/netlink_socket.hpp"

#include <functional>
#include <string>

struct nlmsghdr;

namespace netvsc {

/// Asks the kernel by netlink(7), and waits for its answer; move-only. One thread at a time.
class NetlinkExchange {
public:
    /// @param protocol  NETLINK_ROUTE, ...
    /// @param what      what it is about, for errors
    [[nodiscard]] static Result<NetlinkExchange> open(int protocol, std::string what);

    /// Sends a request and reads its answer up to the end, 5 s at most: an acknowledgement
    /// (NLM_F_ACK) or all of a listing (NLM_F_DUMP).
    /// @param request  its number is set here
    /// @param answer   called with each message of a listing: it is whole, its payload is not
    ///                 checked
    /// @return the kernel's error, failure(ETIMEDOUT), or failure(ENOBUFS) if some was lost
    [[nodiscard]] Result<void> transact(nlmsghdr &request,
                                        const std::function<void(const nlmsghdr &)> &answer) const;
    /// The same, of a request that is only acknowledged.
    [[nodiscard]] Result<void> transact(nlmsghdr &request) const;

private:
    NetlinkExchange(NetlinkSocket socket, std::string what)
        : socket_(std::move(socket)), what_(std::move(what)) {}

    NetlinkSocket socket_;
    std::string what_;
    mutable std::uint32_t sequence_ = 0;
};

} // namespace netvsc
