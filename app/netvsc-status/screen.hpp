// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

/// Formats read_status()'s result as lines of text, each with a newline at its end. Leaves out
/// missing members. Replaces control characters, which a terminal would obey.
[[nodiscard]] std::string screen_of(const nlohmann::json &status);

/// What the screens say in place of ports.
inline constexpr auto no_ports = "No ports: net_vdev_netvsc is loaded, but has none\n\n";

} // namespace netvsc::status
