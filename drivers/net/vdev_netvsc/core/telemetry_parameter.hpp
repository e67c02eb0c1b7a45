// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/parse_number.hpp"

#include <concepts>
#include <optional>

namespace netvsc {

/// Parses a telemetry command's parameter, which any client of the socket can write: a decimal
/// number that fits a T, and nothing else. @param text  may be null
template <std::unsigned_integral T>
[[nodiscard]] std::optional<T> parse_parameter(const char *text) {
    if (text == nullptr)
        return std::nullopt;
    return parse_number<T>(text);
}

} // namespace netvsc
