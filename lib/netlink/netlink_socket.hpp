// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

struct mnl_socket;

namespace netvsc {

/// A netlink(7) socket through libmnl; move-only, non-blocking, close-on-exec.
class NetlinkSocket {
public:
    /// What one receive() gave.
    enum class Datagram {
        complete,  ///< from the kernel, complete
        truncated, ///< larger than the buffer: nothing of it can be trusted
        foreign,   ///< not sent by the kernel: to be ignored
        none,      ///< nothing to be read now
        overrun,   ///< the kernel dropped messages for want of room (ENOBUFS)
    };
    struct Received {
        Datagram kind = Datagram::none;
        std::span<const std::byte> bytes; ///< within the buffer given; empty unless whole
    };

    /// @param protocol        NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT, ...
    /// @param groups          mask of multicast groups to join (RTMGRP_*; 1 for kernel uevents)
    /// @param receive_buffer  bytes of socket buffer asked for: beyond net.core.rmem_max where
    ///                        the process may (CAP_NET_ADMIN), else as far as that allows
    [[nodiscard]] static Result<NetlinkSocket> open(int protocol, unsigned groups,
                                                    int receive_buffer);

    [[nodiscard]] int fd() const;
    /// The address the kernel gave us: `nlmsg_pid` of the answers to our requests.
    [[nodiscard]] std::uint32_t port_id() const;

    [[nodiscard]] Result<void> send(std::span<const std::byte> message) const;

    /// Reads one datagram without waiting.
    /// @param buffer  where to; must outlive the use of what is returned
    [[nodiscard]] Result<Received> receive(std::span<std::byte> buffer) const;

    /// Hands what has come to @p take without waiting: a bounded number of datagrams, so that a
    /// storm cannot keep the thread; a socket that is still readable is reported again.
    ///
    /// An overrun is also what the kernel does not tell of: having told of a loss it drops all
    /// messages to the socket's groups until it has been read empty, and says no more
    /// (af_netlink.c, netlink_overrun()). So its count of drops is asked for at the end
    /// (sock_diag(7): SK_MEMINFO_DROPS).
    /// @param buffer  where each datagram is read to, one after the other
    /// @param take    is not called with Datagram::none; an error of its ends this, and is returned
    [[nodiscard]] Result<void> read(std::span<std::byte> buffer,
                                    const std::function<Result<void>(const Received &)> &take);

private:
    struct Close {
        void operator()(mnl_socket *socket) const;
    };
    [[nodiscard]] Result<bool> has_dropped();

    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t drops_ = 0; ///< those that has_dropped() has told of
};

} // namespace netvsc
