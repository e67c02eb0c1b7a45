// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gmock/gmock.h>
#include <string>

namespace netvsc::test {

/// Matches a message (members level and text) of that level that contains @p part.
MATCHER_P2(is_message, level, part, "") {
    return arg.level == level && arg.text.find(std::string(part)) != std::string::npos;
}

} // namespace netvsc::test
