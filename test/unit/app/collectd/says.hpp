// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/report.hpp"

#include <gmock/gmock.h>

namespace netvsc::collectd {

/// Matches a message of that level that has `text` in it.
inline auto says(Level level, const char *text) {
    return testing::AllOf(testing::Field(&Message::level, level),
                          testing::Field(&Message::text, testing::HasSubstr(text)));
}

} // namespace netvsc::collectd
