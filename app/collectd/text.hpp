// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>

namespace netvsc::collectd {

/// Replaces control characters in @p text, which comes from another process or a file.
[[nodiscard]] inline std::string printable(std::string text) {
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

/// Makes @p text a part of a collectd identifier, in which '/' is the separator.
[[nodiscard]] inline std::string instance_name(std::string text) {
    text = printable(std::move(text));
    std::ranges::replace(text, '/', '_');
    return text;
}

} // namespace netvsc::collectd
