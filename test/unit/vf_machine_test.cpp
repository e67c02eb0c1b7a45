// SPDX-License-Identifier: BSD-3-Clause
#include "commands.hpp"
#include "vf_machine.hpp"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const PciAddress one = PciAddress::parse("0000:03:00.0").value();
const PciAddress other = PciAddress::parse("0000:04:00.0").value();
constexpr auto poll = 20ms;
constexpr auto announce_one = "announce 0 0000:03:00.0";
constexpr auto bind_one = "announce 0 0000:03:00.0 bind vfio-pci";
constexpr auto withdraw_one = "withdraw 0 0000:03:00.0";
constexpr auto check_one = "check 0 0000:03:00.0";
constexpr auto refresh = "refresh link of 0";
constexpr auto give_one_back = "give back 0000:03:00.0";

Vf vf(const PciAddress &pci, int ifindex = 3) {
    return {.ifindex = ifindex, .id = pci, .devargs = pci.to_string()};
}

/// Each call returns the commands that follow as text; messages are gathered.
class VfMachineTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    explicit VfMachineTest(std::string bind = "") : machine_(0, std::move(bind), poll) {}

    Texts want(const std::optional<Vf> &wanted) {
        return told([&](Commands &c) { machine_.want(wanted, c); });
    }
    Texts removed(const PciAddress &pci, bool another_is_there = false) {
        return told([&](Commands &c) { machine_.pci_removed(pci, another_is_there, c); });
    }
    Texts dismiss() {
        return told([&](Commands &c) { machine_.dismiss(c); });
    }
    Texts bind_failed(const PciAddress &pci) {
        return told([&](Commands &c) { machine_.bind_failed(pci, "no such driver", now_, c); });
    }
    Texts probed(const PciAddress &pci, int error = 0) {
        return told([&](Commands &c) { machine_.probed(pci, error, now_, c); });
    }
    Texts checked(const PciAddress &pci, bool taken) {
        return told([&](Commands &c) { machine_.checked(pci, taken, c); });
    }
    Texts withdrawn(const PciAddress &pci, bool remains = false) {
        return told([&](Commands &c) { machine_.withdrawn(pci, remains, now_, c); });
    }
    Texts port_gone(const PciAddress &pci, bool by_application = false) {
        return told([&](Commands &c) { machine_.port_gone(pci, by_application, now_, c); });
    }
    Texts recovering(const PciAddress &pci) {
        return told([&](Commands &c) { machine_.recovering(pci, c); });
    }
    Texts recovered(const PciAddress &pci, bool success) {
        return told([&](Commands &c) { machine_.recovered(pci, success, c); });
    }

    [[nodiscard]] VfState state() const { return machine_.state(); }
    [[nodiscard]] bool idle() const { return !machine_.deadline(); }
    [[nodiscard]] std::chrono::milliseconds delay() const {
        return machine_.deadline() ? std::chrono::duration_cast<std::chrono::milliseconds>(
                                         *machine_.deadline() - now_)
                                   : -1ms;
    }
    /// Lets time pass to the deadline.
    Texts elapse() {
        if (idle()) {
            ADD_FAILURE() << "nothing is pending";
            return {};
        }
        const auto early =
            told([&](Commands &c) { machine_.elapsed(*machine_.deadline() - 1us, c); });
        EXPECT_THAT(early, IsEmpty()) << "too early";
        now_ = *machine_.deadline();
        return told([&](Commands &c) { machine_.elapsed(now_, c); });
    }
    Texts messages() { return std::exchange(messages_, {}); }

    // ---- Where scenarios begin.

    void to_announced() {
        want(vf(one));
        if (!machine_.bind().empty())
            machine_.bound(one);
        probed(one);
        EXPECT_EQ(state(), VfState::announced);
        messages_.clear();
    }
    void to_attached() {
        to_announced();
        elapse();
        checked(one, true);
        EXPECT_EQ(state(), VfState::attached);
        messages_.clear();
    }
    void to(VfState wanted) {
        machine_ = VfMachine(0, machine_.bind(), poll);
        if (wanted == VfState::present)
            want(vf(one));
        if (wanted == VfState::announced)
            to_announced();
        if (wanted == VfState::faulted) {
            want(vf(one));
            probed(one, ENODEV);
        }
        if (wanted == VfState::attached || wanted == VfState::recovering || wanted == VfState::gone)
            to_attached();
        if (wanted == VfState::recovering)
            recovering(one);
        if (wanted == VfState::gone)
            want(std::nullopt);
        ASSERT_EQ(state(), wanted);
        messages_.clear();
    }

    template <typename Call> Texts told(Call call) {
        Commands commands;
        call(commands);
        Texts result;
        for (const Command &command : commands)
            (std::holds_alternative<Message>(command)  ? messages_
             : std::holds_alternative<Report>(command) ? events_
                                                       : result)
                .push_back(test::text_of(command));
        return result;
    }

    VfMachine machine_;
    TimePoint now_{1h};
    Texts messages_;
    Texts events_;
};

class BoundVfMachineTest : public VfMachineTest {
protected:
    BoundVfMachineTest() : VfMachineTest("vfio-pci") {}
};

constexpr VfState with_vf[] = {VfState::present, VfState::announced, VfState::attached,
                               VfState::faulted, VfState::recovering};

// ---- A VF comes.

TEST_F(VfMachineTest, AtFirstThereIsNothing) {
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
    EXPECT_FALSE(machine_.release());
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_THAT(dismiss(), IsEmpty());
    EXPECT_THAT(removed(one), IsEmpty());
    EXPECT_THAT(told([&](Commands &c) { machine_.elapsed(now_, c); }), IsEmpty());
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
    EXPECT_THAT(messages(), ElementsAre("notice: net_failsafe_vsc0: VF 0000:03:00.0 is there",
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

TEST_F(VfMachineTest, AFailedProbeIsRepeatedAndSaidAsLongAsTheDelayGrows) {
    want(vf(one));
    messages();
    for (auto expected = 10ms; expected < 30s; expected *= 2) {
        EXPECT_THAT(probed(one, ENODEV), IsEmpty());
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(messages(),
                    ElementsAre(AllOf(HasSubstr("warning: "), HasSubstr("could not be probed"),
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
    port_gone(one);
    EXPECT_EQ(delay(), 50ms + 10ms);
}

TEST_F(VfMachineTest, WhatConcernsAnotherVfIsLeftAlone) {
    for (const VfState all : {VfState::present, VfState::announced, VfState::faulted,
                              VfState::attached, VfState::recovering, VfState::gone}) {
        to(all);
        const auto before = machine_.deadline();
        EXPECT_THAT(removed(other), IsEmpty());
        EXPECT_THAT(probed(other), IsEmpty());
        EXPECT_THAT(bind_failed(other), IsEmpty());
        EXPECT_THAT(checked(other, false), IsEmpty());
        EXPECT_THAT(withdrawn(other), IsEmpty());
        EXPECT_THAT(port_gone(other), IsEmpty());
        EXPECT_THAT(recovering(other), IsEmpty());
        EXPECT_THAT(recovered(other, false), IsEmpty());
        machine_.held_back(other, now_);
        machine_.bound(other);
        EXPECT_EQ(state(), all);
        EXPECT_EQ(machine_.deadline(), before);
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
    }
}

TEST_F(VfMachineTest, OutcomesThatComeTooLateAreLeftAlone) {
    to_attached();
    EXPECT_THAT(probed(one, ENODEV), IsEmpty());
    EXPECT_THAT(bind_failed(one), IsEmpty());
    EXPECT_THAT(checked(one, false), IsEmpty());
    EXPECT_THAT(withdrawn(one), IsEmpty());
    EXPECT_THAT(recovered(one, false), IsEmpty());
    machine_.held_back(one, now_);
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

// ---- A VF goes.

TEST_F(VfMachineTest, AVfThatGoesIsWithdrawnInEveryState) {
    for (const VfState from : with_vf) {
        to(from);
        EXPECT_THAT(want(std::nullopt), ElementsAre(withdraw_one));
        EXPECT_EQ(state(), VfState::gone);
        EXPECT_TRUE(idle());
        EXPECT_THAT(messages(), ElementsAre(HasSubstr("is gone")));
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one}));
        EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::absent);
        EXPECT_FALSE(machine_.vf());
        EXPECT_TRUE(idle());
    }
}

TEST_F(VfMachineTest, APciFunctionThatGoesIsWithdrawnInEveryState) {
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

TEST_F(VfMachineTest, WhilePortRemainsTheWithdrawalIsRepeatedUntilThePortIsGone) {
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
    EXPECT_THAT(port_gone(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_TRUE(idle());
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
}

TEST_F(VfMachineTest, ANewVfAtTheSameAddressWaitsForTheEndOfTheOldOnesPort) {
    to_attached();
    want(std::nullopt);
    withdrawn(one, true);
    EXPECT_THAT(want(vf(one, 5)), IsEmpty());
    EXPECT_THAT(want(vf(other, 6)), IsEmpty());
    EXPECT_EQ(state(), VfState::gone);
    EXPECT_THAT(port_gone(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent) << "it is to be told again";
    EXPECT_THAT(want(vf(one, 5)), ElementsAre(announce_one));
    EXPECT_EQ(machine_.vf()->ifindex, 5);
}

TEST_F(VfMachineTest, AnotherVfComesInWhenTheFirstIsWithdrawn) {
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
        EXPECT_THAT(port_gone(one), ElementsAre(refresh));
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_GE(delay(), 50ms);
        EXPECT_LE(delay(), 100ms);
        const auto again = told([&](Commands &c) { machine_.elapsed(now_ + 1s, c); });
        EXPECT_THAT(again, ElementsAre(announce_one));
    }
}

TEST_F(VfMachineTest, APortClosedWithoutANeedIsNothing) {
    for (const VfState from : {VfState::present, VfState::faulted}) {
        to(from);
        const auto before = machine_.deadline();
        EXPECT_THAT(port_gone(one), IsEmpty());
        EXPECT_EQ(state(), from);
        EXPECT_EQ(machine_.deadline(), before);
    }
}

TEST_F(VfMachineTest, APortClosedByTheApplicationIsHeldBackUntilItsPortIsStarted) {
    to_attached();
    EXPECT_THAT(port_gone(one, true), ElementsAre(refresh));
    const auto only_if_started = [this] {
        Commands commands;
        now_ = machine_.deadline().value();
        machine_.elapsed(now_, commands);
        return commands.size() == 1 && std::get<Announce>(commands.front()).only_if_started;
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), 5s);
        EXPECT_TRUE(only_if_started());
        EXPECT_EQ(state(), VfState::present);
        EXPECT_TRUE(idle());
        machine_.held_back(one, now_);
    }
    EXPECT_TRUE(only_if_started());
    probed(one);
    elapse();
    EXPECT_THAT(checked(one, true), ElementsAre(refresh));
    // The next time it is fail-safe that closes it.
    port_gone(one, false);
    EXPECT_EQ(delay(), 60ms);
    EXPECT_FALSE(only_if_started());
}

TEST_F(VfMachineTest, AVfHeldBackThatGoesAndComesIsAnnouncedAtOnce) {
    to_attached();
    port_gone(one, true);
    want(std::nullopt);
    withdrawn(one);
    Commands commands;
    machine_.want(vf(one), commands);
    ASSERT_THAT(commands, Not(IsEmpty()));
    EXPECT_FALSE(std::get<Announce>(commands.back()).only_if_started);
}

// ---- Errors a VF recovers from.

TEST_F(VfMachineTest, AVfThatRecoversStays) {
    to_attached();
    EXPECT_THAT(recovering(one), IsEmpty());
    EXPECT_EQ(state(), VfState::recovering);
    EXPECT_TRUE(idle());
    EXPECT_THAT(recovered(one, true), IsEmpty());
    EXPECT_EQ(state(), VfState::attached);
    EXPECT_THAT(messages(), ElementsAre(HasSubstr("warning: "), HasSubstr("has recovered")));
}

TEST_F(VfMachineTest, RecoveryIsOnlyOfAnAttachedVf) {
    for (const VfState from :
         {VfState::present, VfState::announced, VfState::faulted, VfState::gone}) {
        to(from);
        EXPECT_THAT(recovering(one), IsEmpty());
        EXPECT_THAT(recovered(one, false), IsEmpty());
        EXPECT_EQ(state(), from);
    }
}

// Its netdevice tells whether it is still there.
TEST_F(VfMachineTest, AVfThatFailsToRecoverIsTakenAnewWhenItsPortIsClosed) {
    to_attached();
    recovering(one);
    EXPECT_THAT(recovered(one, false), ElementsAre(withdraw_one));
    EXPECT_EQ(state(), VfState::gone);
    withdrawn(one, true);
    EXPECT_THAT(want(vf(one)), IsEmpty());
    EXPECT_THAT(port_gone(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);
    EXPECT_THAT(want(vf(one)), ElementsAre(announce_one));
}

TEST_F(BoundVfMachineTest, ABoundVfThatFailsToRecoverIsTakenAnewWhenItsPortIsClosed) {
    to_attached();
    want(std::nullopt); // bound: the netdevice is gone
    recovering(one);
    EXPECT_THAT(recovered(one, false), ElementsAre(withdraw_one));
    withdrawn(one, true);
    EXPECT_THAT(port_gone(one), ElementsAre(refresh, bind_one));
    EXPECT_EQ(state(), VfState::present);
    // It is bound all the time, and to be given back.
    EXPECT_THAT(want(std::nullopt), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .give_back = true}));
}

TEST_F(BoundVfMachineTest, AVfThatFailsToRecoverAndGoesIsNotTakenAnew) {
    to_attached();
    recovering(one);
    recovered(one, false);
    removed(one);
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh));
    EXPECT_EQ(state(), VfState::absent);

    to_attached();
    recovering(one);
    recovered(one, false);
    dismiss();
    EXPECT_THAT(withdrawn(one), ElementsAre(refresh, give_one_back));
    EXPECT_EQ(state(), VfState::absent);
}

// ---- VFs that are bound to a kernel driver of the user's choice.

TEST_F(BoundVfMachineTest, ABoundVfStaysWhenItsNetdeviceGoes) {
    EXPECT_THAT(want(vf(one)), ElementsAre(bind_one));
    machine_.bound(one);
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
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .give_back = true}));
    EXPECT_THAT(dismiss(), ElementsAre(withdraw_one));
    EXPECT_THAT(withdrawn(one, true), IsEmpty());
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .give_back = true}));
    EXPECT_THAT(port_gone(one), ElementsAre(refresh, give_one_back));
    EXPECT_FALSE(machine_.release());
}

TEST_F(BoundVfMachineTest, ABoundVfThatHasGoneIsNotGivenBack) {
    for (const VfState from : with_vf) {
        to(from);
        machine_.bound(one);
        EXPECT_THAT(removed(one), ElementsAre(withdraw_one));
        EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .give_back = false}));
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
    machine_.bound(one);
    EXPECT_EQ(machine_.release(), (ReleaseVf{.vf = one, .give_back = true}));
}

TEST_F(BoundVfMachineTest, AFailedBindIsRepeatedSeldomAndSaidAsLongAsTheDelayGrows) {
    want(vf(one));
    messages();
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 64s}) {
        EXPECT_THAT(bind_failed(one), IsEmpty());
        EXPECT_EQ(state(), VfState::faulted);
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(messages(), ElementsAre(HasSubstr("bound to vfio-pci: no such driver")));
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
    machine_.bound(one);
    probed(one, ENODEV);
    elapse();
    bind_failed(one);
    EXPECT_EQ(delay(), 1s) << "it was bound in between";
}

// ---- Rest, and a long life.

TEST_F(VfMachineTest, AtRestThereIsNoDeadline) {
    for (const VfState quiet : {VfState::absent, VfState::present, VfState::attached,
                                VfState::recovering, VfState::gone}) {
        to(quiet);
        EXPECT_TRUE(idle());
        now_ += 24h;
        EXPECT_THAT(told([&](Commands &c) { machine_.elapsed(now_, c); }), IsEmpty());
    }
}

TEST_F(VfMachineTest, AfterFlappingItIsWhereTheLastChangeSays) {
    constexpr int flaps = 100'000;
    std::size_t said = 0;
    for (int i = 0; i < flaps; ++i) {
        ASSERT_THAT(want(vf(one, 3 + i)), SizeIs(1)) << i;
        if (i % 2 == 0)
            probed(one, i % 3 == 0 ? ENODEV : 0);
        if (i % 5 == 0)
            told([&](Commands &c) { machine_.elapsed(now_ + 1s, c); });
        i % 7 == 0 ? removed(one) : want(std::nullopt);
        if (i % 11 == 0) {
            withdrawn(one, true);
            want(vf(one, i)); // before fail-safe has let go
            port_gone(one);
        } else {
            withdrawn(one);
        }
        ASSERT_EQ(state(), VfState::absent) << i;
        ASSERT_TRUE(idle()) << i;
        said = std::max(said, messages().size());
    }
    EXPECT_LE(said, 3U) << "messages for one coming and going";
    to_attached();
    EXPECT_TRUE(idle());
}

// ---- What is told.

TEST_F(VfMachineTest, TellsEachChangeOnce) {
    to_attached();
    want(std::nullopt);
    EXPECT_THAT(events_,
                ElementsAre("event vf_present 0 0000:03:00.0", "event vf_attached 0 0000:03:00.0",
                            "event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, TellsAFailureNotEachTry) {
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

TEST_F(VfMachineTest, TellsThatFailsafeLetGoOfOneThatStays) {
    to_attached();
    events_.clear();
    port_gone(one);
    EXPECT_THAT(events_, IsEmpty()) << "mostly it is leaving";
    elapse();
    probed(one);
    EXPECT_THAT(events_, IsEmpty()) << "it may be leaving still";
    elapse();
    checked(one, true);
    EXPECT_THAT(events_,
                ElementsAre("event vf_failed 0 0000:03:00.0", "event vf_attached 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, TellsOfARemovalWithoutAFailureBefore) {
    to_attached();
    events_.clear();
    port_gone(one);
    want(std::nullopt);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, TellsNoFailureOfOneThatIsLeavingSlowly) {
    to_attached();
    events_.clear();
    port_gone(one);
    for (int i = 0; i < 3; ++i) { // its netdevice is there still
        elapse();
        probed(one, ENODEV);
    }
    want(std::nullopt);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, TellsTheFailureOfOneThatStaysAndCannotBeProbed) {
    to_attached();
    events_.clear();
    port_gone(one);
    const auto began = now_;
    while (now_ < began + 1s) {
        EXPECT_THAT(events_, IsEmpty());
        elapse();
        probed(one, ENODEV);
    }
    EXPECT_THAT(events_, ElementsAre("event vf_failed 0 0000:03:00.0"));
}

TEST_F(VfMachineTest, TellsOnlyOfARecoveryThatFails) {
    to_attached();
    events_.clear();
    recovering(one);
    recovered(one, true);
    EXPECT_THAT(events_, IsEmpty());
    recovering(one);
    recovered(one, false);
    EXPECT_THAT(events_,
                ElementsAre("event vf_failed 0 0000:03:00.0", "event vf_removed 0 0000:03:00.0"));
}

TEST_F(BoundVfMachineTest, TellsOfOneTakenAnewAfterItsRecoveryFailed) {
    to_attached();
    recovering(one);
    recovered(one, false);
    events_.clear();
    port_gone(one);
    EXPECT_THAT(events_, ElementsAre("event vf_present 0 0000:03:00.0"));
}

TEST_F(BoundVfMachineTest, TellsThatABindFailedBeforeAndIsNotTriedYet) {
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
