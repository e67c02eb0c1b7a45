// SPDX-License-Identifier: BSD-3-Clause
//
// The reported events of a VF.

#include "vf_machine_scenario.hpp"

namespace netvsc {
namespace {

// ---- Events.

TEST_F(VfMachineTest, ReportsEachChangeOnce) {
    to_attached();
    want(std::nullopt);
    EXPECT_THAT(events_,
                ElementsAre("event vf_present 0 0000:03:00.0", "event vf_attached 0 0000:03:00.0",
                            "event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, WarnsOfManaOncePerPort) {
    Vf mana = vf(one);
    mana.id = VfId(one, MacAddress{{0x00, 0x15, 0x5d, 0, 0, 1}});
    const auto warnings = [&] {
        return std::ranges::count_if(
            messages_, [](const std::string &text) { return text.find("1414:00ba") != text.npos; });
    };
    want(vf(one));
    want(std::nullopt);
    withdrawn(one);
    EXPECT_EQ(warnings(), 0);
    for (int i = 0; i < 2; ++i) {
        want(mana);
        EXPECT_EQ(warnings(), 1);
        want(std::nullopt);
        withdrawn(one);
    }
}

TEST_F(VfMachineTest, ReportsAFailureNotEachTry) {
    want(vf(one));
    probed(one, ENODEV);
    for (int i = 0; i < 3; ++i) {
        elapse();
        probed(one, ENODEV);
    }
    EXPECT_THAT(events_,
                ElementsAre("event vf_present 0 0000:03:00.0", "event vf_failed 0 0000:03:00.0"));
    elapse();
    probed(one);
    elapse();
    checked(one, true);
    EXPECT_EQ(events_.back(), "event vf_attached 0 0000:03:00.0");
}

TEST_F(VfMachineTest, ReportsThatFailsafeReleasedAPresentVf) {
    to_attached();
    events_.clear();
    port_closed(one);
    EXPECT_THAT(events_, IsEmpty()) << "usually it is about to leave";
    elapse();
    probed(one);
    EXPECT_THAT(events_, IsEmpty()) << "it may still be leaving";
    elapse();
    checked(one, true);
    EXPECT_THAT(events_,
                ElementsAre("event vf_failed 0 0000:03:00.0", "event vf_attached 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, ReportsOfARemovalWithoutAFailureBefore) {
    to_attached();
    events_.clear();
    port_closed(one);
    want(std::nullopt);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, ReportsNoFailureOfOneThatIsLeavingSlowly) {
    to_attached();
    events_.clear();
    port_closed(one);
    for (int i = 0; i < 3; ++i) { // its netdevice still exists
        elapse();
        probed(one, ENODEV);
    }
    want(std::nullopt);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, ReportsTheFailureOfOneThatStaysAndCannotBeProbed) {
    to_attached();
    events_.clear();
    port_closed(one);
    const auto began = now_;
    while (now_ < began + 1s) {
        EXPECT_THAT(events_, IsEmpty());
        elapse();
        probed(one, ENODEV);
    }
    EXPECT_THAT(events_, ElementsAre("event vf_failed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, ReportsOnlyOfARecoveryThatFails) {
    to_attached();
    events_.clear();
    handle(one, VfRecovering{});
    recovered(one, true);
    EXPECT_THAT(events_, IsEmpty());
    handle(one, VfRecovering{});
    recovered(one, false);
    EXPECT_THAT(events_,
                ElementsAre("event vf_failed 0 0000:03:00.0", "event vf_removed 0 0000:03:00.0"));
}

TEST_F(BoundVfMachineTest, ReportsOfOneTakenAgainAfterItsRecoveryFailed) {
    to_attached();
    handle(one, VfRecovering{});
    recovered(one, false);
    events_.clear();
    port_closed(one);
    EXPECT_THAT(events_, ElementsAre("event vf_present 0 0000:03:00.0"));
}

TEST_F(BoundVfMachineTest, ReportsThatABindFailedBeforeAndIsNotTriedYet) {
    want(vf(one));
    bind_failed(one);
    want(std::nullopt);
    withdrawn(one);
    events_.clear();
    want(vf(one));
    EXPECT_THAT(events_,
                ElementsAre("event vf_present 0 0000:03:00.0", "event vf_failed 0 0000:03:00.0"));
}

} // namespace
} // namespace netvsc
