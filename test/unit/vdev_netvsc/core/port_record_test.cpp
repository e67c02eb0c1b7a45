// SPDX-License-Identifier: BSD-3-Clause
#include "core/port_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr TimePoint start{1h};

TEST(LatencyHistogram, CountsUpToAndIncludingItsBounds) {
    LatencyHistogram histogram;
    for (const std::chrono::nanoseconds length : std::initializer_list<std::chrono::nanoseconds>{
             0ns, 1ms, 1ms + 1ns, 2ms, 1s, 1s + 1ns, 1h})
        histogram.add(length);
    EXPECT_THAT(histogram.counts(), ElementsAre(2, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2));
    EXPECT_THAT(histogram.cumulative(), ElementsAre(2, 4, 4, 4, 4, 4, 4, 4, 4, 5, 7));
}

TEST(LatencyHistogram, KnowsTheLastAndTheLongest) {
    LatencyHistogram histogram;
    EXPECT_EQ(histogram.last(), 0us);
    histogram.add(7ms);
    histogram.add(3ms + 900ns);
    EXPECT_EQ(histogram.last(), 3ms);
    EXPECT_EQ(histogram.longest(), 7ms);
}

TEST(PortRecord, CountsAddedAndRemovedVfs) {
    PortRecord record;
    record.count(EventType::vf_present, start);
    EXPECT_EQ(record.last_vf_change, start);
    record.count(EventType::vf_attached, start + 1s);
    record.count(EventType::vf_removed, start + 2s);
    record.count(EventType::vf_present, start + 3s);
    record.count(EventType::vf_failed, start + 4s);
    EXPECT_EQ(record.plug_ins, 2);
    EXPECT_EQ(record.removals, 1);
    EXPECT_EQ(record.last_vf_change, start + 4s);
    EXPECT_EQ(record.last_link_change, std::nullopt);
}

TEST(PortRecord, KnowsTheReportedLink) {
    PortRecord record;
    record.count(EventType::link_up, start);
    EXPECT_TRUE(record.link_up);
    record.count(EventType::link_down, start + 1s);
    EXPECT_FALSE(record.link_up);
    EXPECT_EQ(record.last_link_change, start + 1s);
    EXPECT_EQ(record.last_vf_change, std::nullopt);
}

TEST(PortRecord, TakesTheTimeOfAnAnnouncementOnce) {
    PortRecord record;
    record.announced(start); // of a VF without a notification
    EXPECT_EQ(record.announcements.longest(), 0us);
    record.noticed = start;
    record.announced(start + 5ms);
    record.announced(start + 9s); // again
    EXPECT_EQ(record.announcements.last(), 5ms);
    EXPECT_EQ(record.announcements.longest(), 5ms);
    const auto &counts = record.announcements.counts();
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), 1);
}

TEST(PortRecord, TakesTheTimeFromTheNotificationToTheAttachment) {
    PortRecord record;
    record.count(EventType::vf_attached, start); // of a VF without a notification
    EXPECT_EQ(record.attachments.longest(), 0us);
    record.noticed = start;
    record.announced(start + 1ms);
    record.announced(start + 30ms); // again
    record.count(EventType::vf_failed, start + 40ms);
    record.count(EventType::vf_attached, start + 70ms);
    record.count(EventType::vf_attached, start + 9s); // again
    EXPECT_EQ(record.attachments.last(), 70ms);
    record.noticed = start;
    record.announced(start + 1ms);
    record.count(EventType::vf_removed, start + 2ms);
    record.count(EventType::vf_attached, start + 9s); // the next VF, without a notification
    EXPECT_EQ(record.attachments.longest(), 70ms);
}

TEST(PortRecord, TakesTheTimeOfADetachmentOnce) {
    PortRecord record;
    record.detached(start); // without a notification
    EXPECT_EQ(record.detachments.longest(), 0us);
    record.leaving = start;
    record.detached(start + 3ms);
    record.detached(start + 9s); // raised again
    EXPECT_EQ(record.detachments.longest(), 3ms);
    record.leaving = start; // its PMD has reported it
    record.count(EventType::vf_present, start + 1s);
    record.detached(start + 9s);
    EXPECT_EQ(record.detachments.longest(), 3ms);
}

} // namespace
} // namespace netvsc
