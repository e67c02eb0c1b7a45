// SPDX-License-Identifier: BSD-3-Clause
#include "core/telemetry_parameter.hpp"

#include <cstdint>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

TEST(TelemetryParameter, TakesANumber) {
    EXPECT_EQ(parse_parameter<std::uint16_t>("0"), 0);
    EXPECT_EQ(parse_parameter<std::uint16_t>("65535"), 65535);
    EXPECT_EQ(parse_parameter<std::uint64_t>("18446744073709551615"), ~0ULL);
}

TEST(TelemetryParameter, TakesNothingElse) {
    for (const char *text : {"", " ", "0 ", " 0", "+0", "-1", "0x1", "1,2", "65536", "1.0", "a",
                             "99999999999999999999999999999999999999999999"})
        EXPECT_EQ(parse_parameter<std::uint16_t>(text), std::nullopt) << text;
    EXPECT_EQ(parse_parameter<std::uint16_t>(nullptr), std::nullopt);
    EXPECT_EQ(parse_parameter<std::uint64_t>("18446744073709551616"), std::nullopt);
}

} // namespace
} // namespace netvsc
