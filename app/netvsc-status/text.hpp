// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::status {

// ---- Members of a JSON object.

/// A string, without control characters, which a terminal would obey; empty if it is missing.
[[nodiscard]] std::string text_in(const nlohmann::json &object, const char *key);
/// A number; 0 if it is missing.
[[nodiscard]] std::uint64_t number_in(const nlohmann::json &object, const char *key);
/// Any member; null if it is missing.
[[nodiscard]] const nlohmann::json &member(const nlohmann::json &object, const char *key);

// ---- Words.

[[nodiscard]] std::string padded(std::string text, std::size_t width);
[[nodiscard]] std::string right(const std::string &text, std::size_t width);
/// "300 ms", "3.2 s", "12 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"
[[nodiscard]] std::string length_of(std::uint64_t nanoseconds);
/// " for 12 s": the time since @p then; empty if @p then is 0.
[[nodiscard]] std::string since(std::uint64_t then, std::uint64_t now);
/// ": probe failed": why a VF is unused; empty if no reason is given.
[[nodiscard]] std::string because(std::string reason);
/// "once", "2 times"
[[nodiscard]] std::string times(std::uint64_t count);

} // namespace netvsc::status
