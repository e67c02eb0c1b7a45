// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace netvsc::test {

/// Replaces a DPDK application's telemetry in tests and fuzzers: a SOCK_SEQPACKET server in a
/// thread of its own. The test defines its behaviour for each connection. Serves one connection at
/// a time.
class FakeApplication {
public:
    /// One client's connection.
    class Connection {
    public:
        explicit Connection(FileDescriptor socket) : socket_(std::move(socket)) {}
        [[nodiscard]] bool valid() const { return socket_.valid(); }
        /// The next command; empty when the client has disconnected.
        [[nodiscard]] std::string receive() const;
        void send(const std::string &message) const;
        /// Waits until the client has closed.
        void await_close() const;
        /// Closes the application's end.
        void close() const;

    private:
        FileDescriptor socket_;
    };
    using Behaviour = std::function<void(const Connection &)>;
    /// The complete answer of a correct application to a command.
    using Answers = std::function<std::string(const std::string &command)>;

    /// Creates the folder of @p path and listens there. Calls @p behaviour for each connection.
    /// Throws std::system_error if it cannot listen.
    FakeApplication(std::filesystem::path path, Behaviour behaviour);
    FakeApplication(const FakeApplication &) = delete;
    FakeApplication &operator=(const FakeApplication &) = delete;
    /// Ends like a process: closes all connections. A behaviour that waits for anything but its
    /// client must have ended.
    ~FakeApplication();

    /// Greets and answers until the client disconnects.
    [[nodiscard]] static Behaviour answering(Answers answers);

    static constexpr const char *greeting =
        R"({"version":"DPDK 22.11.11","pid":4711,"max_output_len":16384})";

private:
    std::filesystem::path path_;
    FileDescriptor listener_;
    std::mutex mutex_;
    const Connection *current_ = nullptr;
    bool ended_ = false;
    std::jthread thread_;
};

} // namespace netvsc::test
