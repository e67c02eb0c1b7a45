// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>

namespace netvsc {

/// Replaces all bytes of @p text but printable ASCII by '?', for a terminal or a log.
[[nodiscard]] inline std::string printable_text(std::string text) {
    std::ranges::replace_if(text, [](char byte) { return byte < ' ' || byte > '~'; }, '?');
    return text;
}

} // namespace netvsc
