// SPDX-License-Identifier: BSD-3-Clause
#include "core/backoff.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheMaximumAndReportsGrowth) {
    Backoff backoff(10ms, 35ms);
    for (const auto expected : {10ms, 20ms, 35ms}) {
        const auto delay = backoff.next();
        EXPECT_EQ(delay.length, expected);
        EXPECT_TRUE(delay.grew);
    }
    for (int i = 0; i < 3; ++i) {
        const auto delay = backoff.next();
        EXPECT_EQ(delay.length, 35ms);
        EXPECT_FALSE(delay.grew);
    }
}

TEST(Backoff, TheFirstDelayIsNewEvenWhereItIsTheMaximum) {
    Backoff backoff(10ms, 10ms);
    EXPECT_TRUE(backoff.next().grew);
    EXPECT_FALSE(backoff.next().grew);
}

} // namespace
} // namespace netvsc
