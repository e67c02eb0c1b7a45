// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "telemetry/telemetry_client.hpp"

#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <vector>

namespace netvsc {

/// A running application that has loaded the driver, and the connection to it.
struct DriverApplication {
    std::string prefix;
    TelemetryClient client;
};

/// The running DPDK applications.
struct DriverApplications {
    std::vector<DriverApplication> found; ///< those that have loaded the driver
    std::set<std::string> others;         ///< the prefixes of those that have not
    std::string problem; ///< a message about the last one that runs but does not answer, or empty
};

/// How long an application may take to answer a command.
constexpr std::chrono::milliseconds patience{1000};

/// Connects to all applications below @p runtime_folder.
[[nodiscard]] DriverApplications driver_applications(const std::string &runtime_folder);

/// Connects to one application.
/// @param prefix  its --file-prefix; empty: the only application that has loaded the driver
/// @return or else a message: what is wrong and what the user can do
[[nodiscard]] std::expected<DriverApplication, std::string>
find_application(const std::string &runtime_folder, const std::string &prefix);

/// Holds the VF of a port, or releases it. Does not wait for the VF.
/// @param port  ethdev's number
/// Errors: those of TelemetryClient::query(), ENODEV the driver has no port with this number.
[[nodiscard]] Result<void> set_vf_held(DriverApplication &application, std::uint16_t port,
                                       bool held);

} // namespace netvsc
