// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct mnl_socket;

namespace netvsc {

/// A netlink(7) socket through libmnl; move-only, non-blocking, close-on-exec.
class NetlinkSocket {
public:
    /// What one receive() gave.
    enum class Datagram {
        whole,     ///< from the kernel, complete
        truncated, ///< larger than the buffer: nothing of it can be trusted
        foreign,   ///< not sent by the kernel: to be ignored
        none,      ///< nothing to be read now
        overrun,   ///< the kernel has begun to drop messages for want of room (ENOBUFS)
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

    /// Whether the kernel has dropped messages to the socket's groups since this was asked last.
    ///
    /// An overrun tells only of the first: from then on the kernel drops all of them until the
    /// socket has been read empty, and does not say so (af_netlink.c, netlink_overrun()). None goes
    /// unnoticed by a reader who asks each time that he has read; sock_diag(7): SK_MEMINFO_DROPS.
    [[nodiscard]] Result<bool> has_dropped();

private:
    struct Close {
        void operator()(mnl_socket *socket) const;
    };
    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t drops_ = 0; ///< those that has_dropped() has told of
};

} // namespace netvsc
