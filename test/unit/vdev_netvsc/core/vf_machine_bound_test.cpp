// SPDX-License-Identifier: BSD-3-Clause
//
// The life of a VF that is bound to a kernel driver of the user's choice.

#include "vf_machine_scenario.hpp"

namespace netvsc {
namespace {

TEST_F(BoundVfMachineTest, ABoundVfThatFailsToRecoverIsTakenAnewWhenItsPortIsClosed) {
    to_attached();
    want(std::nullopt); // bound: the netdevice is gone
    handle(one, VfRecovering{});
    EXPECT_THAT(recovered(one, false), ElementsAre(withdraw_one));
    withdrawn(one, true);
    EXPECT_THAT(port_closed(one), ElementsAre(refresh, bind_one));
    EXPECT_EQ(state(), VfState::present);
    // It is bound all the time, and to be given back.
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
}

TEST_F(BoundVfMachineTest, AVfThatFailsToRecoverAndGoesIsNotTakenAnew) {
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

TEST_F(BoundVfMachineTest, AVfThatWentWhileAPortWasMadeInVainIsNotBoundForTheNextTry) {
    machine_.begin(vf(one));
    handle(one, VfBound{});
    removed(one);
    machine_.begin(vf(one)); // that its netdevice has gone is not read yet
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
}

// ---- Asked to let go of a VF that is there.

TEST_F(BoundVfMachineTest, AVfThatIsStillThereAfterARequestToLetGoOfItIsTakenAnew) {
    to_attached();
    EXPECT_THAT(handle(other, VfReleaseRequested{}), IsEmpty());
    EXPECT_THAT(handle(one, VfReleaseRequested{}), ElementsAre(withdraw_one));
    EXPECT_THAT(handle(one, VfReleaseRequested{}), IsEmpty()) << "it is being let go of";
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
    EXPECT_THAT(port_closed(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::gone);
    EXPECT_EQ(delay(), 500ms);
    EXPECT_THAT(elapse(), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, bind_one));
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
}

TEST_F(BoundVfMachineTest, AVfThatIsProbedForItsPortAfterItWasLetGoOfIsLetGoOfAgain) {
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

TEST_F(BoundVfMachineTest, AVfThatIsLetGoOfLateIsTakenAnewAtOnce) {
    to_attached();
    handle(one, VfReleaseRequested{});
    withdrawn(one, true);
    elapse(); // Withdraw again
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, bind_one));
}

TEST_F(BoundVfMachineTest, AVfThatGoesAfterTheRequestToLetGoOfItIsDoneWithAtOnce) {
    to_attached();
    handle(one, VfReleaseRequested{});
    EXPECT_THAT(removed(one), IsEmpty());
    EXPECT_THAT(port_closed(one), ElementsAre(refresh)) << "gone before its port was closed";
    EXPECT_EQ(state(), VfState::absent);

    to_attached();
    handle(one, VfReleaseRequested{});
    port_closed(one);
    EXPECT_THAT(removed(one), IsEmpty()) << "gone afterwards: neither taken anew nor given back";
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
}

TEST_F(BoundVfMachineTest, AVfThatWasLetGoOfIsGivenBackWhenTheNetvscGoes) {
    to_attached();
    handle(one, VfReleaseRequested{});
    port_closed(one);
    dismiss();
    elapse();
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, restore_one));
    EXPECT_EQ(state(), VfState::absent);
}

TEST_F(VfMachineTest, ARequestToLetGoOfAVfThatWeDidNotBindIsItsNetdevicesMatter) {
    to_attached();
    EXPECT_THAT(handle(one, VfReleaseRequested{}), IsEmpty());
    EXPECT_EQ(state(), VfState::attached);
}

// ---- VFs that are bound to a kernel driver of the user's choice.

TEST_F(BoundVfMachineTest, ABoundVfStaysWhenItsNetdeviceGoes) {
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

TEST_F(BoundVfMachineTest, AVfNotBoundYetGoesWithItsNetdevice) {
    want(vf(one));
    EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh)) << "and is not given back";
}

TEST_F(BoundVfMachineTest, ANetdeviceAtABoundVfsAddressIsOfAnotherDevice) {
    to_attached();
    want(std::nullopt);
    EXPECT_THAT(want(vf(one, 9)), ElementsAre(withdraw_one));
    EXPECT_EQ(state(), VfState::gone);
    removed(one);
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh)) << "nothing to give back";
    EXPECT_THAT(want(vf(one, 9)), ElementsAre(bind_one));
}

TEST_F(BoundVfMachineTest, ABoundVfIsGivenBackWhenDismissed) {
    to_attached();
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
    EXPECT_THAT(dismiss(), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .restore_driver = true}));
    EXPECT_THAT(port_closed(one), ElementsAre(refresh, restore_one));
    EXPECT_FALSE(machine_.release());
}

TEST_F(BoundVfMachineTest, ABoundVfThatHasGoneIsNotGivenBack) {
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

TEST_F(BoundVfMachineTest, AFailedBindIsRepeatedSeldomAndSaidAsLongAsTheDelayGrows) {
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

// A driver that does not take the device: it goes back to its own, with a new netdevice.
TEST_F(BoundVfMachineTest, AFailedBindThatRenewsTheNetdeviceIsRepeatedSeldomToo) {
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
    // Another VF is not concerned, nor is one that comes to the address when this one has gone.
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
