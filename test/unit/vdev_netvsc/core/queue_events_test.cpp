// SPDX-License-Identifier: BSD-3-Clause
#include "core/queue_events.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

QueueEvent event(std::uint16_t port, std::uint16_t queue, LcoreState state) {
    return {.port = port, .queue = queue, .lcore = 3, .state = state, .time = {}};
}

TEST(QueueEventsTest, AreReadOncePerPortInTheirOrder) {
    QueueEvents events;
    const auto first = event(0, 1, LcoreState::missing);
    const auto second = event(0, 0, LcoreState::missing);
    const auto other = event(1, 0, LcoreState::dead);
    events.add(first);
    events.add(other);
    events.add(second);
    EXPECT_EQ(events.next(0), first);
    EXPECT_EQ(events.next(0), second);
    EXPECT_EQ(events.next(0), std::nullopt);
    EXPECT_EQ(events.next(1), other);
    EXPECT_EQ(events.next(1), std::nullopt);
}

TEST(QueueEventsTest, OnlyTheNewestOfAQueueIsKept) {
    QueueEvents events;
    events.add(event(0, 0, LcoreState::missing));
    const auto other_queue = event(0, 1, LcoreState::missing);
    events.add(other_queue);
    const auto newest = event(0, 0, LcoreState::dead);
    events.add(newest);
    EXPECT_EQ(events.next(0), other_queue);
    EXPECT_EQ(events.next(0), newest);
    EXPECT_EQ(events.next(0), std::nullopt);
}

TEST(QueueEventsTest, AClosedPortHasNone) {
    QueueEvents events;
    events.add(event(0, 0, LcoreState::dead));
    const auto other = event(1, 0, LcoreState::dead);
    events.add(other);
    events.forget(0);
    EXPECT_EQ(events.next(0), std::nullopt);
    EXPECT_EQ(events.next(1), other);
}

} // namespace
} // namespace netvsc
