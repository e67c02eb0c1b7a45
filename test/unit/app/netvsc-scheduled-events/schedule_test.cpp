// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/schedule.hpp"

#include <gtest/gtest.h>

namespace netvsc::scheduled {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1'000'000s}; // of the event

class ScheduleTest : public testing::Test {
protected:
    static Event event() {
        return {.id = "1",
                .type = "Freeze",
                .status = "Scheduled",
                .resource_type = "VirtualMachine",
                .resources = {"other", "vm"},
                .not_before = start,
                .description = "",
                .duration = 5s};
    }
    static Event started(Event event = ScheduleTest::event()) {
        event.status = "Started";
        event.not_before.reset();
        return event;
    }
    // The id of the event for which VFs are held, or "".
    std::string held(Time now) {
        const Event *found = schedule_.holding(now);
        return found == nullptr ? "" : found->id;
    }

    Schedule schedule_{{.machine = "vm", .before = 30s, .longest = 600s}};
};

TEST_F(ScheduleTest, HoldsNothingWithoutEvents) {
    EXPECT_EQ(held(start), "");
    schedule_.update({});
    EXPECT_EQ(held(start), "");
    EXPECT_FALSE(schedule_.lists("1"));
}

TEST_F(ScheduleTest, HoldsBeforeTheEarliestStart) {
    schedule_.update({event()});
    EXPECT_TRUE(schedule_.lists("1"));
    EXPECT_EQ(schedule_.begin_of(event()), start - 30s);
    EXPECT_EQ(held(start - 31s), "");
    EXPECT_EQ(held(start - 30s), "1");
    EXPECT_EQ(held(start + 60s), "1"); // Azure has not begun yet
}

TEST_F(ScheduleTest, ReleasesWhenTheEventDisappears) {
    schedule_.update({event()});
    EXPECT_EQ(held(start - 30s), "1");
    schedule_.update({});
    EXPECT_EQ(held(start - 29s), "");
}

TEST_F(ScheduleTest, HoldsStartedEventsAtOnce) {
    schedule_.update({started()});
    EXPECT_EQ(schedule_.begin_of(started()), std::nullopt);
    EXPECT_EQ(held(start - 1h), "1");
    // Without a time an event has started, whatever its status.
    Event undated = event();
    undated.not_before.reset();
    undated.id = "2";
    schedule_.update({undated});
    EXPECT_EQ(held(start - 1h), "2");
}

TEST_F(ScheduleTest, HoldsRedeployOnlyBesidesFreeze) {
    for (const char *type : {"Reboot", "Preempt", "Terminate", "", "freeze"}) {
        Event other = started();
        other.type = type;
        schedule_.update({other});
        EXPECT_EQ(held(start), "") << type;
    }
    Event redeploy = started();
    redeploy.type = "Redeploy";
    schedule_.update({redeploy});
    EXPECT_EQ(held(start), "1");
}

TEST_F(ScheduleTest, IgnoresOtherMachines) {
    Event other = started();
    other.resources = {"vm1", "v", ""};
    schedule_.update({other});
    EXPECT_EQ(held(start), "");
    other.resources = {"vm1", "VM"}; // Azure does not distinguish case
    schedule_.update({other});
    EXPECT_EQ(held(start), "1");
    other.resource_type = "Disk";
    schedule_.update({other});
    EXPECT_EQ(held(start), "");
}

TEST_F(ScheduleTest, IgnoresOtherStates) {
    Event other = event();
    other.status = "Canceled";
    schedule_.update({other});
    EXPECT_EQ(held(start), "");
}

TEST_F(ScheduleTest, EndsAHoldThatLastsTooLong) {
    schedule_.update({event()});
    EXPECT_EQ(held(start - 30s), "1");
    EXPECT_EQ(held(start + 569s), "1");
    EXPECT_EQ(held(start + 570s), "");
    schedule_.update({event()});
    EXPECT_EQ(held(start + 571s), "");
    // The start of the event is news, with a limit of its own.
    schedule_.update({started()});
    EXPECT_EQ(held(start + 1h), "1");
    EXPECT_EQ(held(start + 1h + 599s), "1");
    EXPECT_EQ(held(start + 1h + 600s), "");
    // Another event with the same id, after the first has disappeared.
    schedule_.update({});
    schedule_.update({started()});
    EXPECT_EQ(held(start + 2h), "1");
}

TEST_F(ScheduleTest, HoldsFromOneEventToTheNext) {
    Event later = event();
    later.id = "2";
    later.not_before = start + 10s;
    schedule_.update({event(), later});
    EXPECT_EQ(held(start), "1");
    schedule_.update({later});
    EXPECT_EQ(held(start), "2");
}

TEST_F(ScheduleTest, AnEventThatLastsTooLongHidesNoOther) {
    Event later = event();
    later.id = "2";
    later.not_before = start + 570s;
    schedule_.update({event(), later});
    EXPECT_EQ(held(start - 30s), "1");
    EXPECT_EQ(held(start + 570s), "2");
}

} // namespace
} // namespace netvsc::scheduled
