// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netvsc {

/// The telemetry socket of one DPDK application.
struct TelemetrySocket {
    std::string prefix; ///< its --file-prefix, which is also the name of its runtime folder
    std::string path;   ///< of the socket

    bool operator==(const TelemetrySocket &) const = default;
};

/// The parent of the runtime folders of this user's DPDK applications, by EAL's rule:
/// /var/run/dpdk for root, else below $XDG_RUNTIME_DIR, else below /tmp.
[[nodiscard]] std::string dpdk_runtime_folder();

/// The telemetry sockets below @p runtime_folder, ordered by prefix. Applications that share a
/// prefix (--in-memory) have a socket each. A killed application leaves its socket behind:
/// TelemetryClient::connect() shows whether a process still listens.
[[nodiscard]] std::vector<TelemetrySocket> telemetry_sockets(const std::string &runtime_folder);

/// A connection to the telemetry of one DPDK application (DPDK 20.05 or later).
///
/// Each call ends at its deadline at the latest, even if the application hangs. The next query()
/// drops a late answer on the same connection. A new connection would use another of the
/// application's ten.
///
/// Threads: none of its own, no locking; one thread at a time may call it.
class TelemetryClient {
public:
    using Deadline = std::chrono::steady_clock::time_point;

    /// The application's first message on a connection.
    struct Greeting {
        std::string version;        ///< "DPDK 22.11.11"
        int pid = 0;                ///< in the application's own PID namespace
        std::size_t max_output = 0; ///< the largest answer in bytes
    };

    /// Connects to the socket at @p path and reads the greeting.
    /// Errors: ENOENT no such socket, ECONNREFUSED no process listens, EACCES, ETIMEDOUT,
    /// ECONNRESET closed without greeting (the application has ten clients), EPROTO,
    /// EPERM the peer is neither root nor this user (root trusts every peer).
    [[nodiscard]] static Result<TelemetryClient> connect(const std::string &path,
                                                         Deadline deadline);

    [[nodiscard]] const Greeting &greeting() const { return greeting_; }

    /// Sends @p command ("/ethdev/list", "/ethdev/info,0") and waits for its answer.
    /// @return the value that the answer holds; null if the application does not know the command
    ///         or cannot carry it out.
    /// Errors: ETIMEDOUT, EMSGSIZE (answer cut: larger than announced), EPROTO (not JSON, or not
    /// the answer to this command), ECONNRESET and others if the application has ended. After any
    /// error but ETIMEDOUT the connection is closed, and further calls return ENOTCONN.
    [[nodiscard]] Result<nlohmann::json> query(std::string_view command, Deadline deadline);

    /// Whether query() still has a connection.
    [[nodiscard]] bool connected() const { return socket_.valid(); }

    /// Limit for an answer, whatever the application announces.
    static constexpr std::size_t max_answer = std::size_t{1} << 20;

private:
    TelemetryClient(FileDescriptor socket, std::string path)
        : socket_(std::move(socket)), path_(std::move(path)) {}

    [[nodiscard]] Result<void> receive(std::size_t limit, Deadline deadline);
    [[nodiscard]] Result<nlohmann::json> exchange(std::string_view command, Deadline deadline);

    FileDescriptor socket_;
    std::string path_;
    Greeting greeting_;
    std::size_t late_ = 0;     ///< pending answers to earlier queries
    std::vector<char> buffer_; ///< the last message received
};

/// Connects to the application with --file-prefix @p prefix. If several share it, connects to the
/// first that accepts. Errors: as TelemetryClient::connect(), ENOENT if no application has that
/// prefix, EINVAL if @p prefix cannot be a folder's name.
[[nodiscard]] Result<TelemetryClient> connect_application(const std::string &runtime_folder,
                                                          const std::string &prefix,
                                                          TelemetryClient::Deadline deadline);

} // namespace netvsc
