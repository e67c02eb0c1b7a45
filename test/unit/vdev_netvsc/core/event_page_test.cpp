// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_page.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

EventBus::History history(std::uint64_t first, std::size_t count,
                          const std::string &netdevice = "eth1") {
    EventBus::History all{.first = first, .next = first + count, .events = {}};
    for (std::size_t i = 0; i < count; ++i)
        all.events.push_back({.sequence = first + i,
                              .time = {},
                              .event = {.type = EventType::link_up,
                                        .port_id = 0,
                                        .port = "net_failsafe_vsc0",
                                        .netdevice = netdevice,
                                        .vf = {},
                                        .lcore = -1}});
    return all;
}

TEST(EventPage, WhatFitsIsWhole) {
    const auto page = page_of(history(5, 3), 10'000);
    EXPECT_EQ(page.first, 5);
    EXPECT_EQ(page.next, 8);
    EXPECT_EQ(page.events.size(), 3);
}

TEST(EventPage, ContinuesWhereItWasCut) {
    const auto all = history(5, 10);
    const std::size_t one = json_size(all.events.front());
    const auto page = page_of(all, 4 * one);
    EXPECT_EQ(page.first, 5);
    EXPECT_EQ(page.next, 9);
    ASSERT_EQ(page.events.size(), 4);
    EXPECT_EQ(page.events.back().sequence, 8);
    EXPECT_EQ(page_of(all, 4 * one - 1).next, 8);
}

TEST(EventPage, EmptyIsWhole) {
    const auto page = page_of(history(9, 0), 0);
    EXPECT_EQ(page.next, 9);
    EXPECT_TRUE(page.events.empty());
}

TEST(EventPage, NamesThatAreEscapedTakeMore) {
    const auto plain = history(1, 1).events.front();
    const auto escaped = history(1, 1, std::string(15, '\x1b')).events.front();
    const std::string shown = R"(\\x1b)"; // as JSON has it
    EXPECT_GE(json_size(escaped), json_size(plain) + 15 * shown.size() - 4);
}

} // namespace
} // namespace netvsc
