// SPDX-License-Identifier: BSD-3-Clause
#include "recording_devices.hpp"
#include "runtime/command_executor.hpp"
#include "vdev_netvsc/core/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Vf vf{.ifindex = 3, .id = pci, .devargs = "0000:03:00.0,a=1"};
constexpr auto announce_vf = "announce 0000:03:00.0,a=1";
constexpr auto probe_down = "probe 0000:03:00.0,a=1 down";

class CommandExecutorTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    CommandExecutorTest() {
        port_ = std::make_shared<RecordingDevices::Port>(devices_);
        registry_.add(0, port_);
    }

    // The outcomes in words.
    Decision answer(const Outcome &outcome) {
        struct Text {
            std::string operator()(const PortCreated &one) const {
                return "created " + std::to_string(one.number);
            }
            std::string operator()(const PortFailed &one) const {
                return "failed " + std::to_string(one.number) + " " + std::to_string(one.error);
            }
            std::string operator()(const VfReleased &one) const {
                return "released " + one.vf.pci.to_string();
            }
            std::string operator()(const VfOutcome &one) const {
                return std::visit(*this, one.event);
            }
            std::string operator()(const VfBound &) const { return "bound"; }
            std::string operator()(const VfBindFailed &one) const {
                return "bind failed: " + one.reason;
            }
            std::string operator()(const VfHeldBack &) const { return "held back"; }
            std::string operator()(const VfProbed &one) const {
                return "probed " + std::to_string(one.error);
            }
            std::string operator()(const VfChecked &one) const {
                return one.taken ? "taken" : "not taken";
            }
            std::string operator()(const VfWithdrawn &one) const {
                return one.port_remains ? "withdrawn, port remains" : "withdrawn";
            }
            // No outcomes of commands.
            std::string operator()(const VfPortClosed &) const { return "?"; }
            std::string operator()(const VfRemovalRaised &) const { return "?"; }
            std::string operator()(const VfRecovering &) const { return "?"; }
            std::string operator()(const VfRecovered &) const { return "?"; }
            std::string operator()(const VfFunctionRemoved &) const { return "?"; }
            std::string operator()(const VfFunctionUnbound &) const { return "?"; }
            std::string operator()(const VfReleaseRequested &) const { return "?"; }
        };
        outcomes_.push_back(std::visit(Text{}, outcome));
        return std::exchange(next_decision_, {});
    }
    Texts outcomes() { return std::exchange(outcomes_, {}); }
    Texts calls() { return devices_.take_calls(); }
    PortRecord record() { return registry_.entries().at(0).record; }
    static Texts messages(const Decision &decision) {
        Texts texts;
        for (const Notice &notice : decision.notices)
            texts.push_back(text_of(notice));
        return texts;
    }

    TemporaryFolder folder_;
    RecordingDevices devices_;
    BindingJournal journal_{folder_.path(), folder_.path()};
    VfBinder binder_{devices_, journal_};
    PortRegistry registry_{[](const Event &) {},
                           [](PortNumber) { return std::optional<std::string>("eth1"); }};
    CommandExecutor executor_{devices_, registry_, binder_,
                              [this](const Outcome &outcome) { return answer(outcome); }};
    std::shared_ptr<RecordingDevices::Port> port_;
    Texts outcomes_;
    Decision next_decision_; ///< what the core answers next
};

TrafficCommand announce(const std::string &bind = "", bool only_if_started = false) {
    return Announce{.number = 0, .vf = vf, .bind = bind, .only_if_started = only_if_started};
}

// ---- Announce.

TEST_F(CommandExecutorTest, WritesTheAddressBeforeItProbesTheVf) {
    const Decision decision = executor_.execute(announce());
    EXPECT_THAT(calls(), ElementsAre(announce_vf, probe_down));
    EXPECT_THAT(outcomes(), ElementsAre("probed 0"));
    EXPECT_EQ(port_->pipe, vf.devargs);
    EXPECT_TRUE(decision.empty());
}

TEST_F(CommandExecutorTest, ProbesTheVfWithTheLinkOfThePort) {
    devices_.state.link_up = true;
    (void)executor_.execute(announce());
    EXPECT_THAT(calls(), ElementsAre(announce_vf, "probe 0000:03:00.0,a=1 up"));
}

TEST_F(CommandExecutorTest, MeasuresTheTimeFromTheNotificationToThePipe) {
    registry_.note_notification(std::vector<TrafficCommand>{announce()}, devices_.time);
    devices_.time += 3ms;
    (void)executor_.execute(announce());
    EXPECT_EQ(record().announcements.last(), 3ms);
}

TEST_F(CommandExecutorTest, MeasuresTheTimeToTheFallbackOfARemovalThatItRaises) {
    devices_.use = Devices::VfPortUse::owned;
    const auto withdraw = [&](bool raise_removal) {
        const TrafficCommand command =
            Withdraw{.number = 0, .vf = vf.id, .raise_removal = raise_removal};
        registry_.note_notification(std::span(&command, 1), devices_.time);
        devices_.time += 2ms;
        (void)executor_.execute(command);
    };
    withdraw(false);
    EXPECT_EQ(record().detachments.last(), 0ms);
    withdraw(true);
    EXPECT_EQ(record().detachments.last(), 2ms);
}

TEST_F(CommandExecutorTest, EmptiesThePipeAfterAFailedProbe) {
    devices_.probe_error = EBUSY;
    (void)executor_.execute(announce());
    EXPECT_EQ(port_->pipe, "");
    EXPECT_THAT(outcomes(), ElementsAre("probed " + std::to_string(EBUSY)));
    EXPECT_EQ(record().failed_probes, 1U);
}

TEST_F(CommandExecutorTest, DoesNotProbeAVfThatCannotBeAnnounced) {
    devices_.announce_error = EMSGSIZE;
    const Decision decision = executor_.execute(announce());
    EXPECT_THAT(calls(), ElementsAre(announce_vf));
    EXPECT_THAT(outcomes(), ElementsAre("probed " + std::to_string(EMSGSIZE)));
    EXPECT_THAT(messages(decision), ElementsAre(HasSubstr("error: net_failsafe_vsc0: announce")));
}

// fail-safe would read the address of a VF that is not adapted.
TEST_F(CommandExecutorTest, LeavesNoAddressInThePipeWhileTheApplicationConfiguresThePort) {
    devices_.state.half_configured = true;
    (void)executor_.execute(announce());
    EXPECT_EQ(port_->pipe, "");
    EXPECT_THAT(calls(), ElementsAre("empty pipe"));
    EXPECT_THAT(outcomes(), ElementsAre("held back"));
}

TEST_F(CommandExecutorTest, TakesAnEarlierAddressFromThePipeWhenTheApplicationConfiguresThePort) {
    (void)executor_.execute(announce());
    ASSERT_EQ(port_->pipe, vf.devargs);
    devices_.state.half_configured = true;
    (void)executor_.execute(announce());
    EXPECT_EQ(port_->pipe, "");
}

TEST_F(CommandExecutorTest, HoldsBackAVfWhileTheKernelHoldsItsRtnlLock) {
    devices_.rtnl_free = false;
    registry_.note_notification(std::vector<TrafficCommand>{announce()}, devices_.time);
    devices_.time += 3ms;
    (void)executor_.execute(announce());
    EXPECT_THAT(calls(), ElementsAre(announce_vf, "empty pipe"));
    EXPECT_EQ(port_->pipe, "");
    EXPECT_THAT(outcomes(), ElementsAre("held back"));
    EXPECT_EQ(record().announcements.last(), 0ms);
    (void)executor_.execute(announce("vfio-pci"));
    EXPECT_THAT(calls(), ElementsAre("empty pipe"));
    EXPECT_THAT(outcomes(), ElementsAre("held back"));
    devices_.rtnl_free = true;
    (void)executor_.execute(announce());
    EXPECT_THAT(outcomes(), ElementsAre("probed 0"));
}

TEST_F(CommandExecutorTest, HoldsBackAVfThatIsWantedOnlyWhileThePortIsStarted) {
    (void)executor_.execute(announce("", true));
    EXPECT_THAT(outcomes(), ElementsAre("held back"));
    devices_.state.started = true;
    (void)executor_.execute(announce("", true));
    EXPECT_THAT(outcomes(), ElementsAre("probed 0"));
}

TEST_F(CommandExecutorTest, DoesNothingForAPortThatDoesNotExist) {
    EXPECT_TRUE(executor_.execute(TrafficCommand(Announce{.number = 9, .vf = vf})).empty());
    EXPECT_TRUE(executor_.execute(TrafficCommand(RefreshLink{.number = 9})).empty());
    EXPECT_TRUE(executor_.execute(TrafficCommand(RaisePortEvent{.number = 9})).empty());
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_THAT(outcomes(), IsEmpty());
}

// ---- Announce with a kernel driver.

TEST_F(CommandExecutorTest, BindsAVfBeforeItAnnouncesIt) {
    (void)executor_.execute(announce("vfio-pci"));
    EXPECT_THAT(calls(), ElementsAre("remove VF", "bind vfio-pci", announce_vf, probe_down));
    EXPECT_THAT(outcomes(), ElementsAre("bound", "probed 0"));
}

TEST_F(CommandExecutorTest, DoesNotAnnounceAVfThatCannotBeBound) {
    devices_.bind_problem = "no such driver";
    (void)executor_.execute(announce("vfio-pci"));
    EXPECT_THAT(calls(), ElementsAre("remove VF", "bind vfio-pci", "empty pipe"));
    EXPECT_THAT(outcomes(), ElementsAre("bind failed: no such driver"));
    EXPECT_EQ(record().failed_binds, 1U);
}

TEST_F(CommandExecutorTest, DoesNotAnnounceAVfThatIsNoLongerWantedOnceItIsBound) {
    next_decision_.add(RestoreDriver{.vf = pci});
    const Decision decision = executor_.execute(announce("vfio-pci"));
    EXPECT_THAT(calls(), ElementsAre("remove VF", "bind vfio-pci"));
    ASSERT_EQ(decision.traffic.size(), 1U);
    EXPECT_EQ(text_of(decision.traffic.front()), "restore 0000:03:00.0");
}

// ---- Withdraw and the like.

TEST_F(CommandExecutorTest, RaisesTheRemovalOfAVfThatFailsafeOwns) {
    devices_.use = Devices::VfPortUse::owned;
    (void)executor_.execute(TrafficCommand(Withdraw{.number = 0, .vf = pci}));
    EXPECT_THAT(calls(), ElementsAre("empty pipe", "safe bursts", "raise removal"));
    EXPECT_THAT(outcomes(), ElementsAre("withdrawn, port remains"));
}

TEST_F(CommandExecutorTest, DoesNotRaiseARemovalThatThePmdHasRaised) {
    devices_.use = Devices::VfPortUse::owned;
    (void)executor_.execute(
        TrafficCommand(Withdraw{.number = 0, .vf = pci, .raise_removal = false}));
    EXPECT_THAT(calls(), ElementsAre("empty pipe"));
    EXPECT_THAT(outcomes(), ElementsAre("withdrawn, port remains"));
}

TEST_F(CommandExecutorTest, RemovesAWithdrawnVfThatNobodyOwns) {
    devices_.use = Devices::VfPortUse::unused;
    (void)executor_.execute(TrafficCommand(Withdraw{.number = 0, .vf = pci}));
    EXPECT_THAT(calls(), ElementsAre("empty pipe", "remove VF"));
    EXPECT_THAT(outcomes(), ElementsAre("withdrawn"));
}

TEST_F(CommandExecutorTest, WithdrawsAVfWhosePortIsClosed) {
    devices_.use = Devices::VfPortUse::owned;
    (void)executor_.execute(TrafficCommand(Withdraw{.number = 9, .vf = pci}));
    EXPECT_THAT(calls(), ElementsAre("raise removal"));
    EXPECT_THAT(outcomes(), ElementsAre("withdrawn, port remains"));
}

TEST_F(CommandExecutorTest, ChecksWhetherSomebodyOwnsTheVf) {
    const TrafficCommand check = CheckVf{.number = 0, .vf = pci};
    using enum Devices::VfPortUse;
    for (const auto use : {none, unused, started, owned}) {
        devices_.use = use;
        (void)executor_.execute(check);
        EXPECT_THAT(outcomes(), ElementsAre(use == owned ? "taken" : "not taken"));
    }
}

TEST_F(CommandExecutorTest, RestoresAKernelDriver) {
    (void)executor_.execute(TrafficCommand(RestoreDriver{.vf = pci}));
    EXPECT_THAT(calls(), ElementsAre("restore"));
    EXPECT_THAT(outcomes(), ElementsAre("released 0000:03:00.0"));
}

TEST_F(CommandExecutorTest, ReportsTheRemovalOfAPort) {
    (void)executor_.execute(
        TrafficCommand(RaisePortEvent{.number = 0, .event = PortEvent::removal}));
    EXPECT_THAT(calls(), ElementsAre("raise removal"));
}

TEST_F(CommandExecutorTest, ReleasesAVfAndItsDriver) {
    (void)executor_.execute(PortCommand(ReleaseVf{.vf = pci}));
    EXPECT_THAT(calls(), ElementsAre("remove VF"));
    (void)executor_.execute(PortCommand(ReleaseVf{.vf = pci, .restore_driver = true}));
    EXPECT_THAT(calls(), ElementsAre("remove VF", "restore"));
    EXPECT_THAT(outcomes(), ElementsAre("released 0000:03:00.0", "released 0000:03:00.0"));
}

// ---- Ports.

PortCommand create(const std::optional<Vf> &with = std::nullopt) {
    return CreatePort{.number = 4, .netdevice = "eth1", .vf = with};
}

TEST_F(CommandExecutorTest, CreatesAPort) {
    (void)executor_.execute(create());
    EXPECT_THAT(calls(), ElementsAre("open", "create"));
    EXPECT_THAT(outcomes(), ElementsAre("created 4"));
    EXPECT_EQ(registry_.find(4), devices_.port);
}

TEST_F(CommandExecutorTest, PreparesTheVfBeforeThePort) {
    (void)executor_.execute(create(vf));
    EXPECT_THAT(calls(), ElementsAre("open", announce_vf, "probe 0000:03:00.0,a=1 up", "create"));
    EXPECT_THAT(outcomes(), ElementsAre("probed 0", "created 4"));
}

TEST_F(CommandExecutorTest, APortThatCannotBeCreatedGivesItsVfUp) {
    devices_.create_error = ENOMEM;
    const Decision decision = executor_.execute(create(vf));
    EXPECT_THAT(calls(), ElementsAre("open", announce_vf, "probe 0000:03:00.0,a=1 up", "create",
                                     "release from fail-safe"));
    EXPECT_THAT(outcomes(), ElementsAre("probed 0", "failed 4 " + std::to_string(ENOMEM)));
    EXPECT_THAT(messages(decision), ElementsAre(HasSubstr("error: net_failsafe_vsc4: create")));
    EXPECT_EQ(registry_.find(4), nullptr);
    EXPECT_TRUE(executor_.remove_leftovers().empty());
    EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(CommandExecutorTest, AFallbackOfAPortThatCannotBeCreatedIsRemovedLater) {
    devices_.create_error = ENOMEM;
    devices_.state.has_fallback = true;
    (void)executor_.execute(create());
    calls();
    (void)executor_.remove_leftovers();
    EXPECT_THAT(calls(), ElementsAre("remove port 4"));
}

TEST_F(CommandExecutorTest, ANameThatIsInUseIsNoError) {
    devices_.create_error = EEXIST;
    EXPECT_THAT(messages(executor_.execute(create())), ElementsAre(HasSubstr("info: ")));
    EXPECT_THAT(outcomes(), ElementsAre("failed 4 " + std::to_string(EEXIST)));
}

TEST_F(CommandExecutorTest, RemovesAPortAndLaterWhatItHadToLeave) {
    const PortCommand destroy = DestroyPort{.number = 0};
    EXPECT_TRUE(executor_.execute(destroy).empty());
    EXPECT_THAT(calls(), ElementsAre("remove port 0"));
    (void)executor_.remove_leftovers();
    EXPECT_THAT(calls(), IsEmpty());

    devices_.all_devices_removed = false;
    char device = 0;
    (void)executor_.execute(destroy, reinterpret_cast<const rte_vdev_device *>(&device));
    EXPECT_THAT(calls(), ElementsAre("remove port 0 within its instance"));
    devices_.all_devices_removed = true;
    (void)executor_.remove_leftovers();
    EXPECT_THAT(calls(), ElementsAre("remove port 0"));
    (void)executor_.remove_leftovers();
    EXPECT_THAT(calls(), IsEmpty());

    devices_.remove_error = EIO;
    EXPECT_THAT(messages(executor_.execute(destroy)),
                ElementsAre(AllOf(HasSubstr("error: "), HasSubstr("the next probe retries"))));
    (void)executor_.remove_leftovers();
    EXPECT_THAT(calls(), ElementsAre("remove port 0", "remove port 0"));
}

} // namespace
} // namespace netvsc::test
