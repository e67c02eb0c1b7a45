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

/// A netlink(7) socket by libmnl; move-only, non-blocking, close-on-exec. Accepts only messages
/// from the kernel. One thread at a time.
class NetlinkSocket {
public:
    /// The outcome of one receive().
    enum class Datagram {
        complete,  ///< from the kernel, complete
        truncated, ///< larger than the buffer; its content is dropped
        foreign,   ///< not sent by the kernel; its content is dropped
        none,      ///< the socket is empty
        overrun,   ///< the kernel dropped messages because the socket was full (ENOBUFS)
    };
    struct Received {
        Datagram kind = Datagram::none;
        std::span<const std::byte> bytes; ///< in the caller's buffer; empty unless complete
    };

    /// @param protocol        NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT, ...
    /// @param groups          mask of multicast groups to join (RTMGRP_*; 1 for kernel uevents)
    /// @param receive_buffer  bytes of socket buffer; limited by net.core.rmem_max unless the
    ///                        process has CAP_NET_ADMIN
    [[nodiscard]] static Result<NetlinkSocket> open(int protocol, unsigned groups,
                                                    int receive_buffer);

    [[nodiscard]] int fd() const;
    /// The socket's netlink address: `nlmsg_pid` of the answers to its requests.
    [[nodiscard]] std::uint32_t port_id() const;

    [[nodiscard]] Result<void> send(std::span<const std::byte> message) const;

    /// Reads one datagram without waiting.
    /// @param buffer  must outlive the result, which views it
    [[nodiscard]] Result<Received> receive(std::span<std::byte> buffer) const;

    /// Passes the received datagrams to @p handle without waiting. Reads a bounded number, so that
    /// a storm of messages cannot block the thread; poll(2) reports the rest again.
    ///
    /// Also detects losses that the kernel does not report: after one ENOBUFS it drops messages
    /// silently until the socket was read empty (af_netlink.c, netlink_overrun()). So read() checks
    /// the socket's drop count at its end (SK_MEMINFO_DROPS, sock_diag(7)).
    /// @param buffer  for one datagram at a time
    /// @param handle  not called with Datagram::none; its first error ends read() and is returned
    [[nodiscard]] Result<void> read(std::span<std::byte> buffer,
                                    const std::function<Result<void>(const Received &)> &handle);

private:
    struct Close {
        void operator()(mnl_socket *socket) const;
    };
    [[nodiscard]] Result<bool> has_dropped();

    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t drops_ = 0; ///< the drop count at the last has_dropped()
};

} // namespace netvsc
