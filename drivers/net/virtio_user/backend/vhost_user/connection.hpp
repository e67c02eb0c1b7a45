// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/vhost_user/message.hpp"
#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <type_traits>

namespace netvsc::virtio::vhost_user {

/// A stream socket that carries vhost-user messages; move-only. Not thread-safe.
///
/// Each call waits for the peer no longer than the patience given, in total. After an error the
/// stream may be in the middle of a message: the owner closes it.
class Connection {
public:
    Connection() = default;
    /// @param patience  for one request with its reply
    Connection(FileDescriptor socket, std::chrono::milliseconds patience)
        : socket_(std::move(socket)), patience_(patience) {}

    [[nodiscard]] bool valid() const { return socket_.valid(); }
    [[nodiscard]] int fd() const { return socket_.get(); }

    /// The peer has closed its end, or has sent something that nobody asked for. Does not wait.
    [[nodiscard]] bool broken() const;

    /// Sends a request that has no reply.
    /// @param acknowledged  requests and checks the peer's answer (REPLY_ACK)
    /// @param fds           descriptors to pass, at most max_table_regions
    [[nodiscard]] Result<void> send(Request request, std::span<const std::byte> payload,
                                    bool acknowledged, std::span<const int> fds = {});

    /// Sends a request and receives its reply.
    /// @param question  the request's payload
    /// @param answer    receives the reply's payload, which must have exactly this size
    [[nodiscard]] Result<void> ask(Request request, std::span<const std::byte> question,
                                   std::span<std::byte> answer);

private:
    using Deadline = std::chrono::steady_clock::time_point;

    [[nodiscard]] Result<void> write(Request request, std::uint32_t flags,
                                     std::span<const std::byte> payload, std::span<const int> fds,
                                     Deadline deadline);
    [[nodiscard]] Result<void> receive(Request request, std::span<std::byte> answer,
                                       Deadline deadline);
    [[nodiscard]] Result<void> read(Request request, std::span<std::byte> bytes, Deadline deadline);
    [[nodiscard]] Result<void> wait(Request request, short event, Deadline deadline) const;
    [[nodiscard]] Deadline deadline() const { return std::chrono::steady_clock::now() + patience_; }

    FileDescriptor socket_;
    std::chrono::milliseconds patience_{};
};

/// The bytes of a payload structure.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T &payload) {
    return std::as_bytes(std::span(&payload, 1));
}

} // namespace netvsc::virtio::vhost_user
