// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace netvsc {

/// A text that is a decimal number which fits a T, and nothing else.
template <std::integral T> [[nodiscard]] std::optional<T> whole_number(std::string_view text) {
    T value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

} // namespace netvsc
