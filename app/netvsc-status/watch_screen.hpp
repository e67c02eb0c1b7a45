// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-status/palette.hpp"
#include "netvsc-status/time_line.hpp"

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

/// The screen of --watch on a terminal: one line for each port, then the time line, lcores and
/// events.
/// @param status    of read_status()
/// @param interval  between two columns of the time line
/// @param columns   the width of the terminal
[[nodiscard]] std::string watch_screen_of(const nlohmann::json &status, const TimeLine &time_line,
                                          std::chrono::milliseconds interval, std::size_t columns,
                                          const Palette &palette);

} // namespace netvsc::status
