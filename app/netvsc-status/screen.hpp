// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

/// Formats read_status()'s result as lines of text, each with a newline at its end. Leaves out
/// missing members. Replaces control characters, which a terminal would obey.
[[nodiscard]] std::string screen_of(const nlohmann::json &status);

/// "300 ms", "3.2 s", "12 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"
[[nodiscard]] std::string length_of(std::uint64_t nanoseconds);

} // namespace netvsc::status
