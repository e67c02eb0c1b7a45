// SPDX-License-Identifier: BSD-3-Clause
//
// The life of a VF.

#include "vf_machine_scenario.hpp"

namespace netvsc {
namespace {

// ---- A VF arrives.

TEST_F(VfMachineTest, AtFirstThePortHasNoVf) {
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
    EXPECT_FALSE(machine_.release());
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_THAT(dismiss(), IsEmpty());
    EXPECT_THAT(removed(one), IsEmpty());
    EXPECT_THAT(elapsed(now_), IsEmpty());
}

TEST_F(VfMachineTest, AVfIsAnnouncedCheckedAndAttached) {
    EXPECT_THAT(want(vf(one)), ElementsAre(announce_one));
    EXPECT_EQ(state(), VfState::present);
    EXPECT_TRUE(idle()) << "the edge has it";
    EXPECT_THAT(want(vf(one)), IsEmpty());
    EXPECT_THAT(probed(one), IsEmpty());
    EXPECT_EQ(state(), VfState::announced);
    EXPECT_EQ(delay(), 2 * poll + 10ms);
    EXPECT_THAT(elapse(), ElementsAre(check_one));
    EXPECT_TRUE(idle());
    EXPECT_THAT(checked(one, true), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::attached);
    EXPECT_TRUE(idle());
    EXPECT_THAT(messages(), ElementsAre("notice: net_failsafe_vsc0: VF 0000:03:00.0 present",
                                        "notice: net_failsafe_vsc0: VF 0000:03:00.0 attached"));
}

TEST_F(VfMachineTest, AVfNotTakenIsAnnouncedAgainWithGrowingDelays) {
    want(vf(one));
    for (const auto expected : {10ms, 20ms, 40ms, 80ms}) {
        probed(one);
        EXPECT_EQ(delay(), 2 * poll + expected);
        EXPECT_THAT(elapse(), ElementsAre(check_one));
        EXPECT_THAT(checked(one, false), ElementsAre(announce_one));
        EXPECT_EQ(state(), VfState::present);
    }
}

TEST_F(VfMachineTest, AFailedProbeIsRetriedAndLoggedWhileTheDelayGrows) {
    want(vf(one));
    messages();
    for (auto expected = 10ms; expected < 30s; expected *= 2) {
        EXPECT_THAT(probed(one, ENODEV), IsEmpty());
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(messages(),
                    ElementsAre(AllOf(HasSubstr("warning: "), HasSubstr("probe failed"),
                                      HasSubstr("in " + std::to_string(expected.count())))));
        EXPECT_THAT(elapse(), ElementsAre(announce_one));
        EXPECT_EQ(state(), VfState::present);
    }
    probed(one, ENODEV);
    EXPECT_THAT(messages(), SizeIs(1));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(delay(), 30s);
        elapse();
        probed(one, ENODEV);
        EXPECT_THAT(messages(), IsEmpty());
    }
}

TEST_F(VfMachineTest, ADelayBeginsShortAgainAfterTheVfWasAttached) {
    want(vf(one));
    for (int i = 0; i < 5; ++i) {
        probed(one, ENODEV);
        elapse();
    }
    probed(one);
    elapse();
    checked(one, true);
    port_closed(one);
    EXPECT_EQ(delay(), 50ms + 10ms);
}

TEST_F(VfMachineTest, EventsOfAnotherVfAreIgnored) {
    for (const VfState all : {VfState::present, VfState::announced, VfState::faulted,
                              VfState::attached, VfState::recovering, VfState::gone}) {
        to(all);
        const auto before = machine_.deadline();
        EXPECT_THAT(removed(other), IsEmpty());
        EXPECT_THAT(probed(other), IsEmpty());
        EXPECT_THAT(bind_failed(other), IsEmpty());
        EXPECT_THAT(checked(other, false), IsEmpty());
        EXPECT_THAT(withdrawn(other), IsEmpty());
        EXPECT_THAT(port_closed(other), IsEmpty());
        EXPECT_THAT(handle(other, VfRecovering{}), IsEmpty());
        EXPECT_THAT(recovered(other, false), IsEmpty());
        handle(other, VfHeldBack{});
        handle(other, VfBound{});
        EXPECT_EQ(state(), all);
        EXPECT_EQ(machine_.deadline(), before);
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
    }
}

TEST_F(VfMachineTest, LateOutcomesAreIgnored) {
    to_attached();
    EXPECT_THAT(probed(one, ENODEV), IsEmpty());
    EXPECT_THAT(bind_failed(one), IsEmpty());
    EXPECT_THAT(checked(one, false), IsEmpty());
    EXPECT_THAT(withdrawn(one), IsEmpty());
    EXPECT_THAT(recovered(one, false), IsEmpty());
    handle(one, VfHeldBack{});
    EXPECT_EQ(state(), VfState::attached);
    EXPECT_TRUE(idle());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(VfMachineTest, AVfThePortIsMadeWithNeedsNoAnnouncement) {
    machine_.begin(vf(one));
    EXPECT_EQ(state(), VfState::present);
    EXPECT_THAT(want(vf(one)), IsEmpty());
    EXPECT_THAT(probed(one), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre(check_one));
}

TEST_F(VfMachineTest, ThePortsNumberMayChange) {
    machine_.set_port(7);
    EXPECT_THAT(want(vf(one)), ElementsAre("announce 7 0000:03:00.0"));
}

// ---- A VF leaves.

TEST_F(VfMachineTest, ARemovedVfIsWithdrawnInEveryState) {
    for (const VfState from : with_vf) {
        to(from);
        EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
        EXPECT_EQ(state(), VfState::gone);
        EXPECT_TRUE(idle());
        EXPECT_THAT(messages(), ElementsAre(HasSubstr("removed")));
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
        EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::absent);
        EXPECT_FALSE(machine_.vf());
        EXPECT_TRUE(idle());
    }
}

TEST_F(VfMachineTest, ARemovedPciFunctionIsWithdrawnInEveryState) {
    for (const VfState from : with_vf) {
        to(from);
        EXPECT_THAT(removed(one), ElementsAre(withdraw_one));
        EXPECT_EQ(state(), VfState::gone);
        EXPECT_TRUE(idle());
        EXPECT_THAT(removed(one), IsEmpty()) << "once is enough";
        EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::absent);
    }
}

TEST_F(VfMachineTest, WhileThePortRemainsTheWithdrawalIsRepeated) {
    to_attached();
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
    messages();
    for (const auto expected : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 8000ms}) {
        EXPECT_THAT(withdrawn(one, true), IsEmpty());
        EXPECT_EQ(state(), VfState::gone);
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(elapse(), ElementsAre(withdraw_one));
        EXPECT_TRUE(idle());
    }
    EXPECT_THAT(messages(), IsEmpty());
    withdrawn(one, true);
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
}

TEST_F(VfMachineTest, ARemovalThatThePmdRaisedIsNotRaisedAgainAtFirst) {
    to_attached();
    EXPECT_THAT(handle(one, VfRemovalRaised{}), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::attached);
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one + std::string(" without removal")));
    withdrawn(one, true);
    EXPECT_THAT(elapse(), ElementsAre(withdraw_one)) << "fail-safe did not act on it";
}

TEST_F(VfMachineTest, ARemovalThatTheDriverRaisedIsRaisedAgain) {
    to_attached();
    want(std::nullopt);
    EXPECT_THAT(handle(one, VfRemovalRaised{}), ElementsAre(refresh));
    withdrawn(one, true);
    EXPECT_THAT(elapse(), ElementsAre(withdraw_one));
}

TEST_F(VfMachineTest, ARemovalThatWasRaisedOnAnEarlierPortDoesNotCount) {
    to_attached();
    handle(one, VfRemovalRaised{});
    port_closed(one);
    elapse();
    probed(one);
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
}

TEST_F(VfMachineTest, ANewVfAtTheSameAddressWaitsForTheEndOfTheOldOnesPort) {
    to_attached();
    want(std::nullopt);
    withdrawn(one, true);
    EXPECT_THAT(want(vf(one, 5)), IsEmpty());
    EXPECT_THAT(want(vf(other, 6)), IsEmpty());
    EXPECT_EQ(state(), VfState::gone);
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent) << "want() must be called again";
    EXPECT_THAT(want(vf(one, 5)), ElementsAre(announce_one));
    EXPECT_EQ(machine_.vf()->ifindex, 5);
}

TEST_F(VfMachineTest, AnotherVfIsTakenWhenTheFirstIsWithdrawn) {
    to_attached();
    EXPECT_THAT(want(vf(other, 4)), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
    EXPECT_THAT(want(vf(other, 4)), ElementsAre("announce 0 0000:04:00.0"));
}

TEST_F(VfMachineTest, ADismissedVfIsWithdrawnInEveryState) {
    for (const VfState from : with_vf) {
        to(from);
        EXPECT_THAT(dismiss(), ElementsAre(withdraw_one));
        EXPECT_THAT(dismiss(), IsEmpty());
        EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
    }
}

// ---- The VF's port ends.

TEST_F(VfMachineTest, APortClosedByFailsafeIsSoonTriedAgain) {
    for (const VfState from : {VfState::announced, VfState::attached, VfState::recovering}) {
        to(from);
        EXPECT_THAT(port_closed(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_GE(delay(), 50ms);
        EXPECT_LE(delay(), 100ms);
        const auto again = elapsed(now_ + 1s);
        EXPECT_THAT(again, ElementsAre(announce_one));
    }
}

TEST_F(VfMachineTest, AnUnexpectedlyClosedPortChangesNothing) {
    for (const VfState from : {VfState::present, VfState::faulted}) {
        to(from);
        const auto before = machine_.deadline();
        EXPECT_THAT(port_closed(one), IsEmpty());
        EXPECT_EQ(state(), from);
        EXPECT_EQ(machine_.deadline(), before);
    }
}

TEST_F(VfMachineTest, APortClosedByTheApplicationIsHeldBackUntilItsPortIsStarted) {
    to_attached();
    EXPECT_THAT(port_closed(one, true), ElementsAre(refresh));
    const auto only_if_started = [this] {
        Decision decision;
        now_ = machine_.deadline().value();
        machine_.elapsed(now_, decision);
        return decision.traffic.size() == 1 &&
               std::get<Announce>(decision.traffic.front()).only_if_started;
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), 5s);
        EXPECT_TRUE(only_if_started());
        EXPECT_EQ(state(), VfState::present);
        EXPECT_TRUE(idle());
        handle(one, VfHeldBack{});
    }
    EXPECT_TRUE(only_if_started());
    probed(one);
    elapse();
    EXPECT_THAT(checked(one, true), ElementsAre(refresh));
    // The next time it is fail-safe that closes it.
    port_closed(one, false);
    EXPECT_EQ(delay(), 60ms);
    EXPECT_FALSE(only_if_started());
}

TEST_F(VfMachineTest, AVfAddedDuringThePortsConfigurationIsAnnouncedSoonAfter) {
    want(vf(one));
    handle(one, VfHeldBack{});
    EXPECT_EQ(state(), VfState::faulted);
    EXPECT_EQ(delay(), 20ms);
    EXPECT_THAT(elapse(), ElementsAre(announce_one));
    EXPECT_THAT(messages(), SizeIs(1)); // that it is present
}

TEST_F(VfMachineTest, AVfThatTheApplicationClosesIsNotProbedBeforeThatIsDone) {
    to_attached();
    want(std::nullopt);
    withdrawn(one, true);
    EXPECT_THAT(port_closed(one, true), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::gone);
    EXPECT_EQ(delay(), 5s);
    elapse();
    EXPECT_THAT(withdrawn(one, false), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);
}

TEST_F(VfMachineTest, AVfHeldBackThatIsRemovedAndAddedIsAnnouncedAtOnce) {
    to_attached();
    port_closed(one, true);
    want(std::nullopt);
    withdrawn(one);
    Decision decision;
    machine_.want(vf(one), decision);
    ASSERT_THAT(decision.traffic, Not(IsEmpty()));
    EXPECT_FALSE(std::get<Announce>(decision.traffic.back()).only_if_started);
}

// ---- Recovery from errors.

TEST_F(VfMachineTest, AVfThatRecoversStays) {
    to_attached();
    EXPECT_THAT(handle(one, VfRecovering{}), ElementsAre("raise recovering on 0"));
    EXPECT_EQ(state(), VfState::recovering);
    EXPECT_TRUE(idle());
    EXPECT_THAT(recovered(one, true), ElementsAre("raise recovered on 0"));
    EXPECT_EQ(state(), VfState::attached);
    EXPECT_THAT(messages(),
                ElementsAre(HasSubstr("warning: "), HasSubstr("VF 0000:03:00.0 recovered")));
}

TEST_F(VfMachineTest, RecoveryIsOnlyOfAnAttachedVf) {
    for (const VfState from :
         {VfState::present, VfState::announced, VfState::faulted, VfState::gone}) {
        to(from);
        EXPECT_THAT(handle(one, VfRecovering{}), IsEmpty());
        EXPECT_THAT(recovered(one, false), IsEmpty());
        EXPECT_EQ(state(), from);
    }
}

// Its netdevice shows whether it is still present.
TEST_F(VfMachineTest, AVfThatFailsToRecoverIsTakenAgainWhenItsPortIsClosed) {
    to_attached();
    handle(one, VfRecovering{});
    EXPECT_THAT(recovered(one, false), ElementsAre(withdraw_one, "raise recovery failed on 0"));
    EXPECT_EQ(state(), VfState::gone);
    withdrawn(one, true);
    EXPECT_THAT(want(vf(one)), IsEmpty());
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_THAT(want(vf(one)), ElementsAre(announce_one));
}

// ---- No pending work, and flapping.

TEST_F(VfMachineTest, AtRestThereIsNoDeadline) {
    for (const VfState quiet : {VfState::absent, VfState::present, VfState::attached,
                                VfState::recovering, VfState::gone}) {
        to(quiet);
        EXPECT_TRUE(idle());
        now_ += 24h;
        EXPECT_THAT(elapsed(now_), IsEmpty());
    }
}

TEST_F(VfMachineTest, AfterFlappingItHasTheStateOfTheLastChange) {
    constexpr int flaps = 100'000;
    std::size_t said = 0;
    for (int i = 0; i < flaps; ++i) {
        ASSERT_THAT(want(vf(one, 3 + i)), SizeIs(1)) << i;
        if (i % 2 == 0)
            probed(one, i % 3 == 0 ? ENODEV : 0);
        if (i % 5 == 0)
            elapsed(now_ + 1s);
        i % 7 == 0 ? removed(one) : want(std::nullopt);
        if (i % 11 == 0) {
            withdrawn(one, true);
            want(vf(one, i)); // before fail-safe has released it
            port_closed(one);
        } else {
            withdrawn(one);
        }
        ASSERT_EQ(state(), VfState::absent) << i;
        ASSERT_TRUE(idle()) << i;
        said = std::max(said, messages().size());
    }
    EXPECT_LE(said, 3U) << "messages for one arrival and removal";
    to_attached();
    EXPECT_TRUE(idle());
}

} // namespace
} // namespace netvsc
