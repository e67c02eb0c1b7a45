// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace netvsc {

/// A text that is a number which fits a T, and nothing else: no sign but the minus of a signed T,
/// no space, no prefix.
/// @param base  2 to 36, 10 if it is left out; not for floating point
template <typename T>
    requires std::integral<T> || std::floating_point<T>
[[nodiscard]] std::optional<T> whole_number(std::string_view text, std::same_as<int> auto... base) {
    T value{};
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base...);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

} // namespace netvsc
