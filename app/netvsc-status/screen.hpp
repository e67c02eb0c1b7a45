// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

/// What read_status() gives, for a person: lines of text, each ended by a newline. What is
/// missing in it is left out; what a terminal would take as a command is replaced.
[[nodiscard]] std::string screen_of(const nlohmann::json &status);

/// "300 ms", "3.2 s", "12 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"
[[nodiscard]] std::string length_of(std::uint64_t nanoseconds);

} // namespace netvsc::status
