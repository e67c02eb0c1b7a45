// SPDX-License-Identifier: BSD-3-Clause
#include "telemetry/telemetry_client.hpp"

#include "base/system_call.hpp"
#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <tuple>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::string_view socket_name = "dpdk_telemetry.v2";
constexpr std::size_t greeting_size = 1024; // the application's own limit

nlohmann::json parse(const std::vector<char> &text) {
    return nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

// Whether the client may trust the process at the other end. Without XDG_RUNTIME_DIR, EAL's runtime
// folder of an ordinary user is in /tmp, where any user may have created it. Only root can create
// the one below /var/run, so root trusts every process there.
Result<void> check_peer(int socket, const std::string &context) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return system_error("getsockopt SO_PEERCRED");
    const uid_t user = ::geteuid();
    if (user != 0 && peer.uid != 0 && peer.uid != user)
        return failure(EPERM, context + " belongs to user " + std::to_string(peer.uid) +
                                  ", who is not trusted");
    return {};
}

// The sockets in one application's runtime folder.
std::vector<TelemetrySocket> sockets_of(const std::filesystem::path &folder) {
    std::vector<TelemetrySocket> found;
    std::error_code ignored;
    for (std::filesystem::directory_iterator file(folder, ignored), end; file != end;
         file.increment(ignored)) {
        // "dpdk_telemetry.v2", and "dpdk_telemetry.v2:1" of a second one with the same prefix.
        const std::string name = file->path().filename();
        const bool named = name.starts_with(socket_name) &&
                           (name.size() == socket_name.size() || name[socket_name.size()] == ':');
        if (named && file->is_socket(ignored))
            found.push_back({.prefix = folder.filename(), .path = file->path()});
    }
    return found;
}

} // namespace

std::string dpdk_runtime_folder() {
    const char *folder = "/var/run";
    if (::getuid() != 0) {
        folder = std::getenv("XDG_RUNTIME_DIR"); // NOLINT(concurrency-mt-unsafe): read only
        if (folder == nullptr)
            folder = "/tmp";
    }
    return std::string(folder) + "/dpdk";
}

std::vector<TelemetrySocket> telemetry_sockets(const std::string &runtime_folder) {
    std::vector<TelemetrySocket> found;
    // An unreadable folder belongs to another user or was just removed. Neither is an error.
    std::error_code ignored;
    for (std::filesystem::directory_iterator folder(runtime_folder, ignored), end; folder != end;
         folder.increment(ignored))
        std::ranges::move(sockets_of(folder->path()), std::back_inserter(found));
    std::ranges::sort(found, {},
                      [](const auto &entry) { return std::tie(entry.prefix, entry.path); });
    return found;
}

Result<TelemetryClient> connect_application(const std::string &runtime_folder,
                                            const std::string &prefix,
                                            TelemetryClient::Deadline deadline) {
    if (prefix.empty() || prefix == "." || prefix == ".." || prefix.find('/') != prefix.npos)
        return failure(EINVAL, "file prefix '" + prefix + "'");
    auto sockets = sockets_of(runtime_folder + '/' + prefix);
    std::ranges::sort(sockets, {}, &TelemetrySocket::path);
    Result<TelemetryClient> client = failure(ENOENT, "telemetry socket " + runtime_folder + '/' +
                                                         prefix + '/' + std::string(socket_name));
    for (const auto &socket : sockets) {
        client = TelemetryClient::connect(socket.path, deadline);
        if (client)
            break;
    }
    return client;
}

Result<TelemetryClient> TelemetryClient::connect(const std::string &path, Deadline deadline) {
    const std::string context = "telemetry socket " + path;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return failure(ENAMETOOLONG, context);
    std::memcpy(address.sun_path, path.data(), path.size());

    FileDescriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid())
        return system_error("socket(AF_UNIX)");
    const auto try_to_connect = [&] {
        return ::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address),
                         sizeof address);
    };
    while (retry_interrupted(try_to_connect) != 0) {
        if (errno != EAGAIN)
            return system_error(context);
        // The listener's queue is full. unix(7) offers no event to wait for.
        if (steady_clock::now() >= deadline)
            return failure(ETIMEDOUT, context + ": connect");
        std::this_thread::sleep_for(5ms);
    }

    if (auto trusted = check_peer(socket.get(), context); !trusted)
        return std::unexpected(std::move(trusted.error()));

    TelemetryClient client(std::move(socket), path);
    if (auto received = client.receive(greeting_size, deadline); !received)
        return std::unexpected(std::move(received.error()));
    const auto greeting = parse(client.buffer_);
    const auto version = json_field<std::string>(greeting, "version");
    const auto pid = json_field<int>(greeting, "pid");
    const auto max_output = json_field<std::size_t>(greeting, "max_output_len");
    if (!version || !pid || !max_output || *max_output == 0)
        return failure(EPROTO, context + ": no greeting of DPDK telemetry");
    client.greeting_ = {.version = *version, .pid = *pid, .max_output = *max_output};
    return client;
}

Result<void> TelemetryClient::receive(std::size_t limit, Deadline deadline) {
    const std::string context = "telemetry socket " + path_;
    const auto readable = wait_readable(socket_.get(), deadline);
    if (!readable)
        return std::unexpected(readable.error());
    if (!*readable)
        return failure(ETIMEDOUT, context);
    buffer_.resize(limit);
    const ssize_t size = retry_interrupted(
        [&] { return ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC); });
    if (size < 0)
        return system_error(context);
    if (size == 0)
        return failure(ECONNRESET, context);
    if (static_cast<std::size_t>(size) > limit)
        return failure(EMSGSIZE, context + ": answer of " + std::to_string(size) +
                                     " bytes, at most " + std::to_string(limit) + " expected");
    buffer_.resize(static_cast<std::size_t>(size));
    return {};
}

Result<nlohmann::json> TelemetryClient::query(std::string_view command, Deadline deadline) {
    if (!connected())
        return failure(ENOTCONN, "telemetry socket " + path_);
    auto answer = exchange(command, deadline);
    if (!answer && answer.error().number != ETIMEDOUT)
        socket_.reset();
    return answer;
}

Result<nlohmann::json> TelemetryClient::exchange(std::string_view command, Deadline deadline) {
    const std::size_t limit = std::min(greeting_.max_output, max_answer);
    for (; late_ > 0; --late_) {
        if (auto received = receive(limit, deadline); !received)
            return std::unexpected(std::move(received.error()));
    }
    const std::string context = "telemetry socket " + path_ + ": " + std::string(command);
    // The socket buffer has room: at most one command is pending.
    if (::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0)
        return system_error(context);
    ++late_;
    if (auto received = receive(limit, deadline); !received)
        return failure(received.error().number, context);
    --late_;

    // {"/ethdev/info": ...}: the name of the command, without its parameters.
    auto answer = parse(buffer_);
    const std::string_view name = command.substr(0, command.find(','));
    if (!answer.is_object() || answer.size() != 1 || answer.begin().key() != name)
        return failure(EPROTO, context + ": the answer is not to " + std::string(name));
    return std::move(answer.begin().value());
}

} // namespace netvsc
