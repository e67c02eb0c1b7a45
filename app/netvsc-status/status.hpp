// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "telemetry/driver_applications.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>

namespace netvsc::status {

/// The present state of the application, as --json shows it:
/// {"file_prefix", "version", "pid", "now_ns", "ports": [{... of /vdev_netvsc/info, "stats":
/// {...}}],
///  "passed_over": [{...}, ...], "keepalive": {...} or null, "events": [{...}, ...]}, the events in
/// their order.
/// @param events  number of the last events
/// @param losses  each port has the member "lost", too: how many frames the port's statistics count
///                as lost. This asks the PMDs of its sub-devices. Absent if they do not answer
[[nodiscard]] Result<nlohmann::json> read_status(DriverApplication &application, std::size_t events,
                                                 bool losses = false);

} // namespace netvsc::status
