// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-status/palette.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

// The parts of a screen that do not depend on its form. Each takes read_status()'s result and
// returns lines with an empty line at the end, or nothing.

[[nodiscard]] std::string title_of(const nlohmann::json &status, const Palette &palette);
[[nodiscard]] std::string passed_over_of(const nlohmann::json &status);
[[nodiscard]] std::string lcores_of(const nlohmann::json &status, const Palette &palette);
/// Without an empty line.
[[nodiscard]] std::string events_of(const nlohmann::json &status, const Palette &palette);

} // namespace netvsc::status
