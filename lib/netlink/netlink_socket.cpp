// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/netlink_socket.hpp"

#include "base/system_call.hpp"

#include <array>
#include <cstring>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <utility>

#include <libmnl/libmnl.h>

namespace netvsc {

void NetlinkSocket::Close::operator()(mnl_socket *socket) const { mnl_socket_close(socket); }

Result<NetlinkSocket> NetlinkSocket::open(int protocol, unsigned groups, int receive_buffer) {
    NetlinkSocket result;
    result.socket_.reset(mnl_socket_open2(protocol, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!result.socket_)
        return system_error("socket AF_NETLINK");
    const int fd = result.fd();
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0 &&
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) != 0)
        return system_error("setsockopt SO_RCVBUF");
    // Adds the sender's credentials to each datagram: those of the kernel have process id 0.
    const int on = 1;
    if (::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return system_error("setsockopt SO_PASSCRED");
    if (mnl_socket_bind(result.socket_.get(), groups, MNL_SOCKET_AUTOPID) != 0)
        return system_error("bind AF_NETLINK");
    return result;
}

int NetlinkSocket::fd() const { return mnl_socket_get_fd(socket_.get()); }

std::uint32_t NetlinkSocket::port_id() const { return mnl_socket_get_portid(socket_.get()); }

Result<void> NetlinkSocket::send(std::span<const std::byte> message) const {
    if (mnl_socket_sendto(socket_.get(), message.data(), message.size()) < 0)
        return system_error("sendto AF_NETLINK");
    return {};
}

namespace {

// The kernel's netlink address and process id are 0 (netlink(7), unix(7)).
bool is_from_kernel(msghdr &header, const sockaddr_nl &sender) {
    if (header.msg_namelen != sizeof sender || sender.nl_pid != 0)
        return false;
    for (const cmsghdr *control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, const_cast<cmsghdr *>(control))) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS)
            continue;
        ucred credentials{};
        std::memcpy(&credentials, CMSG_DATA(control), sizeof credentials);
        return credentials.pid == 0 && credentials.uid == 0;
    }
    return false;
}

} // namespace

// Not mnl_socket_recvfrom(): it does not return the sender's credentials.
Result<NetlinkSocket::Received> NetlinkSocket::receive(std::span<std::byte> buffer) const {
    sockaddr_nl sender{};
    iovec vector{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = retry_interrupted([&] { return ::recvmsg(fd(), &header, MSG_DONTWAIT); });
    if (size < 0) {
        if (errno == EAGAIN)
            return Received{.kind = Datagram::none, .bytes = {}};
        if (errno == ENOBUFS)
            return Received{.kind = Datagram::overrun, .bytes = {}};
        return system_error("recvmsg AF_NETLINK");
    }
    if (!is_from_kernel(header, sender))
        return Received{.kind = Datagram::foreign, .bytes = {}};
    if ((header.msg_flags & MSG_TRUNC) != 0)
        return Received{.kind = Datagram::truncated, .bytes = {}};
    return Received{.kind = Datagram::complete,
                    .bytes = buffer.first(static_cast<std::size_t>(size))};
}

Result<void> NetlinkSocket::read(std::span<std::byte> buffer,
                                 const std::function<Result<void>(const Received &)> &handle) {
    constexpr int datagrams_per_read = 64;
    bool overrun = false;
    for (int i = 0; i < datagrams_per_read; ++i) {
        const auto received = receive(buffer);
        if (!received)
            return std::unexpected(received.error());
        if (received->kind == Datagram::none)
            break;
        overrun |= received->kind == Datagram::overrun;
        if (auto handled = handle(*received); !handled)
            return handled;
    }
    const auto dropped = has_dropped();
    if (!dropped)
        return std::unexpected(dropped.error());
    return *dropped && !overrun ? handle({.kind = Datagram::overrun, .bytes = {}}) : Result<void>{};
}

// Whether the kernel has dropped messages since the last call.
Result<bool> NetlinkSocket::has_dropped() {
    std::array<std::uint32_t, SK_MEMINFO_VARS> figures{};
    socklen_t size = sizeof figures;
    if (::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, figures.data(), &size) != 0)
        return system_error("getsockopt SO_MEMINFO");
    return std::exchange(drops_, figures[SK_MEMINFO_DROPS]) != figures[SK_MEMINFO_DROPS];
}

} // namespace netvsc
