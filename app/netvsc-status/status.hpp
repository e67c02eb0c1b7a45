// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-status/applications.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>

namespace netvsc::status {

/// How the application is now, as --json shows it:
/// {"file_prefix", "version", "pid", "now_ns", "ports": [{... of /vdev_netvsc/info, "stats":
/// {...}}],
///  "keepalive": {...} or null, "events": [{...}, ...]}, the events in their order.
/// @param events  how many of the last ones
[[nodiscard]] Result<nlohmann::json> read_status(Application &application, std::size_t events);

} // namespace netvsc::status
