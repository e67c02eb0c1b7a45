// SPDX-License-Identifier: BSD-3-Clause
#include "telemetry/driver_applications.hpp"

#include <unistd.h>

namespace netvsc {
namespace {

TelemetryClient::Deadline deadline() { return std::chrono::steady_clock::now() + patience; }

std::string joined(const std::set<std::string> &names) {
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

// Applications of other users have other folders.
std::string whose(const std::string &runtime_folder) {
    return " below " + runtime_folder +
           (::geteuid() == 0 ? "" : ", the folder of this user (only root sees root's)");
}

std::string explained(const std::string &prefix, const Error &error) {
    const std::string application = "application with --file-prefix " + prefix;
    switch (error.number) {
    case EACCES:
    case EPERM:
        return error.message() + ": run this tool as the application's user or as root";
    case ETIMEDOUT:
        return "the " + application + " does not answer: " + error.message();
    case ENOENT:
    case ECONNREFUSED:
        return "no " + application + " runs: " + error.message();
    case ECONNRESET:
        return error.message() + ": it has ended, or it already has too many clients";
    default:
        return error.message();
    }
}

// The answer to an unknown command is null.
Result<bool> has_driver(TelemetryClient &client) {
    auto answer = client.query("/vdev_netvsc/list", deadline());
    if (!answer)
        return std::unexpected(std::move(answer.error()));
    return answer->is_array();
}

std::expected<DriverApplication, std::string> named(const std::string &runtime_folder,
                                                    const std::string &prefix) {
    auto client = connect_application(runtime_folder, prefix, deadline());
    if (!client)
        return std::unexpected(explained(prefix, client.error()));
    const auto ours = has_driver(*client);
    if (!ours)
        return std::unexpected(explained(prefix, ours.error()));
    if (!*ours)
        return std::unexpected("the application with --file-prefix " + prefix +
                               " has not loaded net_vdev_netvsc (DPDK's own driver has no "
                               "telemetry): give EAL the plugin by -d");
    return DriverApplication{.prefix = prefix, .client = std::move(*client)};
}

} // namespace

DriverApplications driver_applications(const std::string &runtime_folder) {
    DriverApplications all;
    for (const TelemetrySocket &socket : telemetry_sockets(runtime_folder)) {
        auto client = TelemetryClient::connect(socket.path, deadline());
        if (!client) {
            // A killed application leaves its socket behind. No process listens there.
            if (client.error().number != ECONNREFUSED && client.error().number != ENOENT)
                all.problem = explained(socket.prefix, client.error());
            continue;
        }
        const auto ours = has_driver(*client);
        if (!ours)
            all.problem = explained(socket.prefix, ours.error());
        else if (*ours)
            all.found.push_back({.prefix = socket.prefix, .client = std::move(*client)});
        else
            all.others.insert(socket.prefix);
    }
    return all;
}

std::expected<DriverApplication, std::string> find_application(const std::string &runtime_folder,
                                                               const std::string &prefix) {
    if (!prefix.empty())
        return named(runtime_folder, prefix);
    auto [found, others, problem] = driver_applications(runtime_folder);
    if (found.size() == 1)
        return std::move(found.front());
    if (found.size() > 1) {
        std::set<std::string> prefixes;
        for (const DriverApplication &application : found)
            prefixes.insert(application.prefix);
        return std::unexpected("several applications with net_vdev_netvsc run; choose one by "
                               "--file-prefix: " +
                               joined(prefixes));
    }
    if (!problem.empty())
        return std::unexpected(problem);
    if (!others.empty())
        return std::unexpected("none of the running DPDK applications has loaded "
                               "net_vdev_netvsc: " +
                               joined(others));
    return std::unexpected("no DPDK application runs" + whose(runtime_folder));
}

Result<void> set_vf_held(DriverApplication &application, std::uint16_t port, bool held) {
    const std::string command =
        std::string(held ? "/vdev_netvsc/hold," : "/vdev_netvsc/release,") + std::to_string(port);
    const auto answer = application.client.query(command, deadline());
    if (!answer)
        return std::unexpected(answer.error());
    if (!answer->is_object())
        return failure(ENODEV, command + ": the driver has no port with this number");
    return {};
}

} // namespace netvsc
