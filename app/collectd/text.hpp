// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>

namespace netvsc::collectd {

/// @p text with control characters replaced, as it comes from another process or a file.
[[nodiscard]] inline std::string printable(std::string text) {
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

/// @p text as a part of collectd's identifiers, where '/' separates.
[[nodiscard]] inline std::string instance_name(std::string text) {
    text = printable(std::move(text));
    std::ranges::replace(text, '/', '_');
    return text;
}

} // namespace netvsc::collectd
