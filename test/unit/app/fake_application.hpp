// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace netvsc {

/// A folder that goes with all it holds.
class TemporaryFolder {
public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder();
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// Stands in for a DPDK application's telemetry: a SOCK_SEQPACKET server in a thread of its own,
/// which does with each connection what the test says.
class FakeApplication {
public:
    /// One client's connection.
    class Connection {
    public:
        explicit Connection(FileDescriptor socket) : socket_(std::move(socket)) {}
        [[nodiscard]] bool valid() const { return socket_.valid(); }
        /// The next command; empty when the client has gone.
        [[nodiscard]] std::string receive() const;
        void send(const std::string &message) const;
        /// Waits until the client has closed.
        void await_close() const;
        /// The application's end is closed; the client finds nothing more.
        void close() const;

    private:
        FileDescriptor socket_;
    };
    using Behaviour = std::function<void(const Connection &)>;
    /// What a well-behaved application answers to a command: the whole message.
    using Answers = std::function<std::string(const std::string &command)>;

    /// Listens at @p path, making its folder; @p behaviour is called for each connection.
    FakeApplication(std::filesystem::path path, Behaviour behaviour);
    FakeApplication(const FakeApplication &) = delete;
    FakeApplication &operator=(const FakeApplication &) = delete;
    /// Ends as a process does: what was connected is closed. A behaviour that waits for anything
    /// but its client has to have ended.
    ~FakeApplication();

    /// Greets and answers until the client goes.
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

} // namespace netvsc
