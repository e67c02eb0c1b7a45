// SPDX-License-Identifier: BSD-3-Clause
#include "backend/vhost_user/connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/socket.h>

namespace netvsc::virtio::vhost_user {
namespace {

std::string context(Request request) { return std::string("vhost-user ") + name_of(request); }

// Closes the descriptors that came with a message: no reply that the driver asks for has any.
void close_passed(const msghdr &message) {
    for (const cmsghdr *part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr *>(&message), const_cast<cmsghdr *>(part))) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            FileDescriptor{fd}.reset();
        }
    }
}

} // namespace

bool Connection::broken() const {
    std::byte next;
    const ssize_t size = ::recv(socket_.get(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return size >= 0 || (errno != EAGAIN && errno != EINTR);
}

Result<void> Connection::wait(Request request, short event, Deadline deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd poll{.fd = socket_.get(), .events = event, .revents = 0};
        const int ready = ::poll(&poll, 1, std::max(0, static_cast<int>(left.count())));
        if (ready > 0)
            return {};
        if (ready == 0)
            return failure(ETIMEDOUT, context(request));
        if (errno != EINTR)
            return system_error(context(request) + ": poll");
    }
}

Result<void> Connection::write(Request request, std::uint32_t flags,
                               std::span<const std::byte> payload, std::span<const int> fds,
                               Deadline deadline) {
    Header header{.request = request,
                  .flags = version | flags,
                  .size = static_cast<std::uint32_t>(payload.size())};
    std::array<std::byte, sizeof header + sizeof(MemoryTable)> buffer;
    if (payload.size() > sizeof(MemoryTable) || fds.size() > max_table_regions)
        return failure(EMSGSIZE, context(request));
    std::memcpy(buffer.data(), &header, sizeof header);
    std::ranges::copy(payload, buffer.begin() + sizeof header);
    std::span<const std::byte> rest(buffer.data(), sizeof header + payload.size());

    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_table_regions * sizeof(int))> control{};
    while (!rest.empty()) {
        iovec piece{.iov_base = const_cast<std::byte *>(rest.data()), .iov_len = rest.size()};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        if (!fds.empty()) {
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(fds.size_bytes());
            cmsghdr *rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(fds.size_bytes());
            std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
        }
        const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            rest = rest.subspan(static_cast<std::size_t>(sent));
            fds = {}; // they went with the first byte
        } else if (errno == EAGAIN) {
            if (auto ready = wait(request, POLLOUT, deadline); !ready)
                return ready;
        } else if (errno != EINTR) {
            return system_error(context(request));
        }
    }
    return {};
}

Result<void> Connection::read(Request request, std::span<std::byte> bytes, Deadline deadline) {
    while (!bytes.empty()) {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(max_table_regions * sizeof(int))> control{};
        iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size > 0) {
            close_passed(message);
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        } else if (size == 0) {
            return failure(ECONNRESET, context(request));
        } else if (errno == EAGAIN) {
            if (auto ready = wait(request, POLLIN, deadline); !ready)
                return ready;
        } else if (errno != EINTR) {
            return system_error(context(request));
        }
    }
    return {};
}

Result<void> Connection::receive(Request request, std::span<std::byte> answer, Deadline deadline) {
    Header header{};
    if (auto got = read(request, std::as_writable_bytes(std::span(&header, 1)), deadline); !got)
        return got;
    if (header.request != request || (header.flags & version_mask) != version ||
        (header.flags & flag_reply) == 0 || header.size != answer.size())
        return failure(EPROTO, context(request) + ": the reply has request " +
                                   std::to_string(static_cast<std::uint32_t>(header.request)) +
                                   ", flags " + std::to_string(header.flags) + ", " +
                                   std::to_string(header.size) + " bytes; expected " +
                                   std::to_string(answer.size()) + " bytes");
    return read(request, answer, deadline);
}

Result<void> Connection::send(Request request, std::span<const std::byte> payload,
                              bool acknowledged, std::span<const int> fds) {
    const Deadline end = deadline();
    if (auto sent = write(request, acknowledged ? flag_need_reply : 0, payload, fds, end); !sent)
        return sent;
    if (!acknowledged)
        return {};
    std::uint64_t outcome = 0;
    auto got = receive(request, std::as_writable_bytes(std::span(&outcome, 1)), end);
    if (got && outcome != 0)
        return failure(EREMOTEIO, context(request) + ": the peer refused it");
    return got;
}

Result<void> Connection::ask(Request request, std::span<const std::byte> question,
                             std::span<std::byte> answer) {
    const Deadline end = deadline();
    if (auto sent = write(request, 0, question, {}, end); !sent)
        return sent;
    return receive(request, answer, end);
}

} // namespace netvsc::virtio::vhost_user
