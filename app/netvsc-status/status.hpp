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
[[nodiscard]] Result<nlohmann::json> read_status(DriverApplication &application,
                                                 std::size_t events);

} // namespace netvsc::status
