// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "telemetry/telemetry_client.hpp"

#include <expected>
#include <string>

namespace netvsc::status {

/// A running application that has loaded the driver, and the connection to it.
struct Application {
    std::string prefix;
    TelemetryClient client;
};

/// How long an application may take to answer a command.
constexpr std::chrono::milliseconds patience{1000};

/// Finds the application to show.
/// @param prefix  its --file-prefix; empty: the only application that has loaded the driver
/// @return or else a message: what is wrong and what the user can do
[[nodiscard]] std::expected<Application, std::string>
find_application(const std::string &runtime_folder, const std::string &prefix);

} // namespace netvsc::status
