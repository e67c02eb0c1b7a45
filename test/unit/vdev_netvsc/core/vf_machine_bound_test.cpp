// SPDX-License-Identifier: BSD-3-Clause
//
// The life of a VF that is bound to a kernel driver of the user's choice.

#include "vf_machine_scenario.hpp"

namespace netvsc {
namespace {

TEST_F(BoundVfMachineTest, ABoundVfThatFailsToRecoverIsTakenAgainWhenItsPortIsClosed) {
    to_attached();
    want(std::nullopt); // bound, so it has no netdevice
    handle(one, VfRecovering{});
    EXPECT_THAT(recovered(one, false), ElementsAre(withdraw_one, "raise recovery failed on 0"));
    withdrawn(one, true);
    EXPECT_THAT(port_closed(one), ElementsAre(refresh, bind_one));
    EXPECT_EQ(state(), VfState::present);
    // It stays bound, so the driver must restore it.
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
}

TEST_F(BoundVfMachineTest, AVfThatFailsToRecoverAndIsRemovedIsNotTakenAgain) {
    to_attached();
    handle(one, VfRecovering{});
    recovered(one, false);
    removed(one);
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);

    to_attached();
    handle(one, VfRecovering{});
    recovered(one, false);
    dismiss();
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, restore_one));
    EXPECT_EQ(state(), VfState::absent);
}

TEST_F(BoundVfMachineTest, AVfRemovedWhileAPortCouldNotBeCreatedIsNotBoundForTheNextTry) {
    machine_.begin(vf(one));
    handle(one, VfBound{});
    removed(one);
    machine_.begin(vf(one)); // the removal of its netdevice was not read yet
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
}

// ---- Requests to release a VF that stays present.

TEST_F(BoundVfMachineTest, AVfThatStaysAfterAReleaseRequestIsTakenAgain) {
    to_attached();
    EXPECT_THAT(handle(other, VfReleaseRequested{}), IsEmpty());
    EXPECT_THAT(handle(one, VfReleaseRequested{}), ElementsAre(withdraw_one));
    EXPECT_THAT(handle(one, VfReleaseRequested{}), IsEmpty()) << "its release is under way";
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::gone);
    EXPECT_EQ(delay(), 500ms);
    EXPECT_THAT(elapse(), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, bind_one));
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
}

TEST_F(BoundVfMachineTest, AVfProbedAfterItsReleaseIsReleasedAgain) {
    machine_.begin(vf(one));
    handle(one, VfBound{});
    EXPECT_THAT(handle(one, VfReleaseRequested{}), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
    EXPECT_THAT(probed(one, ENODEV), IsEmpty());
    EXPECT_THAT(probed(one), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one, true), IsEmpty()) << "fail-safe has it already";
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(delay(), 500ms);
}

TEST_F(BoundVfMachineTest, AVfReleasedLateIsTakenAgainAtOnce) {
    to_attached();
    handle(one, VfReleaseRequested{});
    withdrawn(one, true);
    elapse(); // Withdraw again
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, bind_one));
}

TEST_F(BoundVfMachineTest, AVfRemovedAfterAReleaseRequestIsFinishedAtOnce) {
    to_attached();
    handle(one, VfReleaseRequested{});
    EXPECT_THAT(removed(one), IsEmpty());
    EXPECT_THAT(port_closed(one), ElementsAre(refresh)) << "removed before its port was closed";
    EXPECT_EQ(state(), VfState::absent);

    to_attached();
    handle(one, VfReleaseRequested{});
    port_closed(one);
    EXPECT_THAT(removed(one), IsEmpty()) << "removed afterwards: neither taken again nor restored";
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
}

TEST_F(BoundVfMachineTest, AReleasedVfIsRestoredWhenTheNetvscIsRemoved) {
    to_attached();
    handle(one, VfReleaseRequested{});
    port_closed(one);
    dismiss();
    elapse();
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, restore_one));
    EXPECT_EQ(state(), VfState::absent);
}

TEST_F(VfMachineTest, AReleaseRequestForAVfThatIsNotBoundIsIgnored) {
    to_attached();
    EXPECT_THAT(handle(one, VfReleaseRequested{}), IsEmpty());
    EXPECT_EQ(state(), VfState::attached);
}

// ---- VFs that are bound to a kernel driver of the user's choice.

TEST_F(BoundVfMachineTest, ABoundVfStaysWhenItsNetdeviceIsRemoved) {
    EXPECT_THAT(want(vf(one)), ElementsAre(bind_one));
    handle(one, VfBound{});
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_EQ(state(), VfState::present);
    probed(one);
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    elapse();
    checked(one, true);
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_THAT(want(vf(other, 4)), IsEmpty()) << "the one in use stays";
    EXPECT_EQ(state(), VfState::attached);
}

TEST_F(BoundVfMachineTest, AVfNotYetBoundIsRemovedWithItsNetdevice) {
    want(vf(one));
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh)) << "and is not restored";
}

TEST_F(BoundVfMachineTest, ANetdeviceAtABoundVfsAddressIsOfAnotherDevice) {
    to_attached();
    want(std::nullopt);
    EXPECT_THAT(want(vf(one, 9)), ElementsAre(withdraw_one));
    EXPECT_EQ(state(), VfState::gone);
    removed(one);
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh)) << "nothing to restore";
    EXPECT_THAT(want(vf(one, 9)), ElementsAre(bind_one));
}

TEST_F(BoundVfMachineTest, ABoundVfIsRestoredWhenDismissed) {
    to_attached();
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
    EXPECT_THAT(dismiss(), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
    EXPECT_THAT(port_closed(one), ElementsAre(refresh, restore_one));
    EXPECT_FALSE(machine_.release());
}

TEST_F(BoundVfMachineTest, ARemovedBoundVfIsNotRestored) {
    for (const VfState from : with_vf) {
        to(from);
        handle(one, VfBound{});
        EXPECT_THAT(removed(one), ElementsAre(withdraw_one));
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = false}));
        EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::absent);
    }
}

TEST_F(BoundVfMachineTest, TheNextVfAtTheAddressIsNotTakenForBound) {
    to_attached();
    removed(one);
    withdrawn(one);
    want(vf(one));
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
    handle(one, VfBound{});
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
}

TEST_F(BoundVfMachineTest, AFailedBindIsRetriedSeldomAndLoggedWhileTheDelayGrows) {
    want(vf(one));
    messages();
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 64s}) {
        EXPECT_THAT(bind_failed(one), IsEmpty());
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(messages(), ElementsAre(HasSubstr("bind to vfio-pci failed: no such driver")));
        EXPECT_THAT(elapse(), ElementsAre(bind_one));
    }
    bind_failed(one);
    EXPECT_EQ(delay(), 64s);
    EXPECT_THAT(messages(), IsEmpty());
}

// A kernel driver refuses the device. The device returns to its own driver, with a new netdevice.
TEST_F(BoundVfMachineTest, AFailedBindThatRenewsTheNetdeviceIsRetriedSeldomToo) {
    want(vf(one, 3));
    auto expected = 1s;
    for (int ifindex = 4; ifindex < 9; ++ifindex, expected *= 2) {
        bind_failed(one);
        want(std::nullopt);
        withdrawn(one);
        now_ += 100ms;
        EXPECT_THAT(want(vf(one, ifindex)), IsEmpty());
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), expected - 100ms);
        EXPECT_THAT(elapse(), ElementsAre(bind_one));
    }
    // This does not concern another VF, nor a VF that takes the address after this one's removal.
    bind_failed(one);
    want(vf(other, 20));
    withdrawn(one);
    EXPECT_THAT(want(vf(other, 20)), SizeIs(1));
    want(std::nullopt);
    withdrawn(other);
    EXPECT_THAT(want(vf(one, 21)), IsEmpty());
    removed(one);
    withdrawn(one);
    EXPECT_THAT(want(vf(one, 22)), ElementsAre(bind_one));
    bind_failed(one);
    EXPECT_EQ(delay(), 1s);
    elapse();
    handle(one, VfBound{});
    probed(one, ENODEV);
    elapse();
    bind_failed(one);
    EXPECT_EQ(delay(), 1s) << "it was bound in between";
}

} // namespace
} // namespace netvsc
