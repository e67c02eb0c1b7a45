// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace netvsc {

/// Parses a text that consists of one number and nothing else: no space, no prefix, no sign but the
/// minus of a signed T.
/// @param base  2 to 36, 10 by default; not for floating point
/// @return nullopt for any other text, and for a number that does not fit T
template <typename T>
    requires std::integral<T> || std::floating_point<T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text, std::same_as<int> auto... base) {
    T value{};
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base...);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

} // namespace netvsc
