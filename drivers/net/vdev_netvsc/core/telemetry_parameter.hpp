// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace netvsc {

/// A telemetry command's parameter, which anybody who reaches the socket can write: a decimal
/// number that fits a T, and nothing else. @param text  may be null
template <std::unsigned_integral T>
[[nodiscard]] std::optional<T> parse_parameter(const char *text) {
    if (text == nullptr)
        return std::nullopt;
    const std::string_view whole(text);
    T value = 0;
    const char *end = whole.data() + whole.size();
    const auto [stop, error] = std::from_chars(whole.data(), end, value);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

} // namespace netvsc
