// SPDX-License-Identifier: BSD-3-Clause
#include "commands.hpp"
#include "netdevices.hpp"
#include "supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <ranges>
#include <sstream>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using test::ethernet;
using test::ipv4;
using test::mac;
using test::software;
using test::vf;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using Level = Message::Level;

constexpr auto pci1 = "0000:03:00.0";
constexpr auto pci2 = "0000:04:00.0";

// Not `using`: within namespace netvsc the name would mean the namespace.
Link netvsc_link(std::string name, int ifindex, MacAddress address) {
    return test::netvsc(std::move(name), ifindex, address);
}

/// Tells a Supervisor what happens, in the words of a scenario. Each call returns the commands
/// that follow as text (see commands.hpp), but for messages: those are gathered.
class SupervisorTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    // ---- The user.

    /// @param arguments  as on the command line: "iface=eth1,force=1"
    Texts instance(InstanceId id, const std::string &arguments) {
        auto commands = try_instance(id, arguments);
        EXPECT_TRUE(commands) << commands.error();
        return commands ? texts(std::move(*commands)) : Texts{};
    }
    std::expected<Commands, std::string> try_instance(InstanceId id, const std::string &arguments) {
        std::vector<KeyValue> pairs;
        std::istringstream all(arguments);
        for (std::string one; std::getline(all, one, ',');)
            pairs.push_back(
                {.key = one.substr(0, one.find('=')), .value = one.substr(one.find('=') + 1)});
        auto parsed = Arguments::parse(pairs);
        EXPECT_TRUE(parsed) << parsed.error();
        return supervisor_.add_instance(id, "net_vdev_netvsc" + std::to_string(id),
                                        std::move(*parsed));
    }
    Texts remove_instance(InstanceId id) { return texts(supervisor_.remove_instance(id)); }

    // ---- The kernel.

    Texts link(const Link &link) { return texts(supervisor_.link(link.message, link.facts)); }
    Texts gone(int ifindex) { return texts(supervisor_.link_gone(ifindex)); }
    Texts routed(int ifindex, bool routed = true) {
        return texts(supervisor_.address({.address = ipv4(ifindex), .gone = !routed}));
    }

    // ---- What became of commands.

    Texts created(PortNumber number) { return texts(supervisor_.port_created(number)); }
    Texts failed(PortNumber number, int error) {
        return texts(supervisor_.port_failed(number, error, now_));
    }
    Texts closed(PortNumber number) { return texts(supervisor_.port_gone(number)); }
    Texts probed(PortNumber number, const char *pci, int error = 0) {
        return texts(supervisor_.vf_probed(number, PciAddress::parse(pci).value(), error, now_));
    }
    Texts checked(PortNumber number, const char *pci, bool taken) {
        return texts(supervisor_.vf_checked(number, PciAddress::parse(pci).value(), taken));
    }
    Texts bind_failed(PortNumber number, const char *pci) {
        return texts(supervisor_.vf_bind_failed(number, PciAddress::parse(pci).value(),
                                                "no such driver", now_));
    }
    Texts bound(PortNumber number, const char *pci) {
        return texts(supervisor_.vf_bound(number, PciAddress::parse(pci).value()));
    }
    Texts pci_removed(const char *pci, bool another = false) {
        return texts(supervisor_.pci_removed(PciAddress::parse(pci).value(), another));
    }
    Texts vf_closed(const char *pci, bool by_application = false) {
        return texts(
            supervisor_.vf_port_gone(PciAddress::parse(pci).value(), by_application, now_));
    }

    // ---- Time.

    /// Lets time pass to when the supervisor wants to be called.
    Texts elapse() {
        const auto deadline = supervisor_.deadline();
        EXPECT_TRUE(deadline) << "nothing is pending";
        if (!deadline)
            return {};
        EXPECT_THAT(texts(supervisor_.elapsed(*deadline - 1us)), IsEmpty()) << "too early";
        now_ = *deadline;
        return texts(supervisor_.elapsed(now_));
    }
    [[nodiscard]] std::chrono::milliseconds delay() const {
        const auto deadline = supervisor_.deadline();
        return deadline ? std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - now_)
                        : -1ms;
    }
    [[nodiscard]] bool idle() const { return !supervisor_.deadline(); }

    // ---- Where many scenarios begin.

    /// Instance 0, iface=eth1, with port 0 over NetVSC eth1, ifindex 2, MAC 1.
    void eth1_attached() {
        EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
        EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
        EXPECT_THAT(created(0), IsEmpty());
        messages_.clear();
    }
    /// And VF eth2, ifindex 3, taken by fail-safe.
    void eth1_attached_with_vf() {
        eth1_attached();
        link(vf("eth2", 3, mac(1), pci1));
        probed(0, pci1);
        elapse();
        EXPECT_THAT(checked(0, pci1, true), IsEmpty());
        EXPECT_EQ(port(0).vf_state, VfState::attached);
        messages_.clear();
    }

    [[nodiscard]] Supervisor::PortView port(PortNumber number) const {
        for (const auto &view : supervisor_.ports()) {
            if (view.number == number)
                return view;
        }
        ADD_FAILURE() << "no port " << number;
        return {};
    }
    [[nodiscard]] std::size_t ports() const { return supervisor_.ports().size(); }

    /// The messages since the last call.
    std::vector<Message> messages() { return std::exchange(messages_, {}); }
    static auto says(Level level, const std::string &part) {
        return AllOf(Field(&Message::level, level), Field(&Message::text, HasSubstr(part)));
    }

    // Without what only brings the port's link up to date. A VF that is withdrawn leaves no port
    // behind, unless the test says so.
    Texts texts(Commands commands) {
        Texts result;
        for (Command &command : commands) {
            if (auto *message = std::get_if<Message>(&command)) {
                messages_.push_back(std::move(*message));
                continue;
            }
            if (std::holds_alternative<Report>(command)) {
                events_.push_back(test::text_of(command));
                continue;
            }
            if (!std::holds_alternative<RefreshLink>(command))
                result.push_back(test::text_of(command));
            if (const auto *withdraw = std::get_if<Withdraw>(&command))
                std::ranges::move(texts(supervisor_.vf_withdrawn(withdraw->number, withdraw->vf,
                                                                 vf_port_remains_, now_)),
                                  std::back_inserter(result));
            if (const auto *release = std::get_if<ReleaseVf>(&command))
                std::ranges::move(texts(supervisor_.vf_released(release->vf)),
                                  std::back_inserter(result));
            if (const auto *returned = std::get_if<GiveBack>(&command); returned && vf_is_back_)
                std::ranges::move(texts(supervisor_.vf_released(returned->vf)),
                                  std::back_inserter(result));
        }
        return result;
    }

    Supervisor supervisor_;
    TimePoint now_{1h};
    std::vector<Message> messages_;
    Texts events_;
    bool vf_port_remains_ = false;
    bool vf_is_back_ = true; ///< once it has been given back
};

// ---- Which netdevices become ports: named ones.

TEST_F(SupervisorTest, ANetvscNamedByInterfaceBecomesAPort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "net_failsafe_vsc0 attached to "
                                                            "netdevice eth1")));
    EXPECT_EQ(port(0), (Supervisor::PortView{.number = 0,
                                             .instance = "net_vdev_netvsc0",
                                             .ifindex = 2,
                                             .netdevice = "eth1",
                                             .mac = mac(1),
                                             .vf = {},
                                             .vf_state = VfState::absent}));
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, ANetvscNamedByMacBecomesAPort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:02"), ElementsAre("create 0 eth2"));
}

TEST_F(SupervisorTest, APermanentMacNamesItsNetdeviceToo) {
    Link link1 = netvsc_link("eth1", 2, mac(7));
    link1.message.permanent_mac = mac(1);
    link(link1);
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01"), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, SeveralNamesMakeSeveralPorts) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    link(netvsc_link("eth3", 4, mac(3)));
    EXPECT_THAT(instance(0, "iface=eth3,mac=00:15:5d:00:00:02,iface=eth1"),
                UnorderedElementsAre("create 0 eth3", "create 1 eth1", "create 2 eth2"));
}

TEST_F(SupervisorTest, ANetvscNamedInBothWaysBecomesOnePortWithAWarning) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1,mac=00:15:5d:00:00:01"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::warning, "iface=eth1 and "
                                                             "mac=00:15:5d:00:00:01 are the same "
                                                             "netdevice")));
}

TEST_F(SupervisorTest, AVfIsNotWhatAMacNames) {
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01"), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "mac=00:15:5d:00:00:01 yet")));
    EXPECT_THAT(link(netvsc_link("eth1", 4, mac(1))), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
}

TEST_F(SupervisorTest, WithForceAMacNamesItsNetvscAndNotItsVf) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01,force=1"), ElementsAre("create 0 eth1"));
    created(0);
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AMissingNetdeviceIsWaitedFor) {
    EXPECT_THAT(instance(0, "iface=eth1,mac=00:15:5d:00:00:02"), IsEmpty());
    EXPECT_THAT(
        messages(),
        ElementsAre(says(Level::notice, "no netdevice with iface=eth1 yet: waiting"),
                    says(Level::notice, "no netdevice with mac=00:15:5d:00:00:02 yet: waiting")));
    EXPECT_TRUE(idle());
    EXPECT_THAT(link(netvsc_link("eth9", 2, mac(9))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 3, mac(1))), ElementsAre("create 0 eth1"));
    EXPECT_THAT(link(netvsc_link("eth2", 4, mac(2))), ElementsAre("create 1 eth2"));
}

TEST_F(SupervisorTest, ANetdeviceThatGetsTheNameOrMacIsTaken) {
    instance(0, "iface=eth1,mac=00:15:5d:00:00:02");
    link(netvsc_link("eth8", 8, mac(8)));
    link(netvsc_link("eth9", 9, mac(9)));
    EXPECT_THAT(link(netvsc_link("eth1", 8, mac(8))), ElementsAre("create 0 eth1"));
    EXPECT_THAT(link(netvsc_link("eth9", 9, mac(2))), ElementsAre("create 1 eth9"));
}

TEST_F(SupervisorTest, ANamedNetdeviceThatIsRoutedIsTakenWithAWarning) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::warning, "eth1 has an IP address")));
}

TEST_F(SupervisorTest, ANamedNetdeviceThatIsNotNetvscIsRefusedOnce) {
    const Link other = ethernet("eth1", 2, mac(1));
    link(other);
    EXPECT_THAT(instance(0, "iface=eth1"), IsEmpty());
    EXPECT_THAT(messages(),
                ElementsAre(says(Level::error, "eth1 not attached: expected a NetVSC")));
    gone(2);
    EXPECT_THAT(link(other), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, WithForceANetdeviceThatIsNotNetvscIsTakenWithAWarning) {
    link(ethernet("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1,force=1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::warning, "eth1 is not a NetVSC netdevice")));
}

TEST_F(SupervisorTest, ANamedNetdeviceMadeBySoftwareIsTreatedLikeAnyOtherThatIsNotNetvsc) {
    link(software("veth0", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=veth0"), IsEmpty());
    EXPECT_THAT(messages(),
                ElementsAre(says(Level::error, "veth0 not attached: expected a NetVSC")));
    EXPECT_THAT(instance(1, "iface=veth0,force=1"), ElementsAre("create 0 veth0"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::warning, "veth0 is not a NetVSC netdevice")));
}

// VLANs and the like have the MAC address of what they are made over.
TEST_F(SupervisorTest, AMacDoesNotNameANetdeviceMadeBySoftware) {
    instance(0, "mac=00:15:5d:00:00:01,force=1");
    EXPECT_THAT(link(software("eth1.5", 5, mac(1))), IsEmpty());
    EXPECT_THAT(link(ethernet("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, ANamedNetdeviceOfAnotherTypeIsAnErrorThatNamesTheArgument) {
    Link infiniband = ethernet("ib0", 2, mac(1));
    infiniband.message.type = ARPHRD_INFINIBAND;
    link(infiniband);
    const auto outcome = try_instance(0, "iface=ib0,force=1");
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error(),
                AllOf(HasSubstr("'iface=ib0'"), HasSubstr("expected an Ethernet netdevice")));
    EXPECT_FALSE(supervisor_.has_instances());
}

TEST_F(SupervisorTest, ANamedNetdeviceOfAnotherTypeThatAppearsLaterIsRefusedOnce) {
    instance(0, "iface=ib0,force=1");
    messages();
    Link infiniband = ethernet("ib0", 2, mac(1));
    infiniband.message.type = ARPHRD_INFINIBAND;
    EXPECT_THAT(link(infiniband), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::error, "expected an Ethernet netdevice")));
    gone(2);
    EXPECT_THAT(link(infiniband), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

// ---- Which netdevices become ports: all that are unrouted.

TEST_F(SupervisorTest, WithoutNamesEveryUnroutedNetvscBecomesAPort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    link(netvsc_link("eth3", 4, mac(3)));
    link(ethernet("eth4", 5, mac(4)));
    link(vf("eth5", 6, mac(5), pci1));
    routed(3);
    EXPECT_THAT(instance(0, ""), ElementsAre("create 0 eth1", "create 1 eth3"));
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, WithoutNamesANetvscThatAppearsBecomesAPort) {
    instance(0, "");
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
    EXPECT_THAT(link(vf("eth5", 6, mac(5), pci1)), IsEmpty());
}

// It was left to the system at the start: it is not taken from under it later.
TEST_F(SupervisorTest, WithoutNamesARoutedNetvscIsNotTakenWhenItsAddressGoes) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, ""), IsEmpty());
    routed(2, false);
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(7))), IsEmpty());
    gone(2);
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(7))), ElementsAre("create 0 wan"));
}

TEST_F(SupervisorTest, ForceAloneIsStillWithoutNames) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(ethernet("eth4", 5, mac(4)));
    EXPECT_THAT(instance(0, "force=1"), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, WithIgnoreAnInstanceDoesNothing) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "ignore=1"), IsEmpty());
    EXPECT_THAT(instance(1, "ignore=1,iface=eth1"), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "ignore=1"), says(Level::notice, "")));
    EXPECT_THAT(link(netvsc_link("eth2", 3, mac(2))), IsEmpty());
    EXPECT_TRUE(supervisor_.has_instances());
    remove_instance(0);
    remove_instance(1);
    EXPECT_FALSE(supervisor_.has_instances());
}

// ---- Names that are not safe in device arguments.

TEST_F(SupervisorTest, ANameThatIsNotSafeIsRefusedOnceAndTheNetdeviceTakenWhenRenamed) {
    link(netvsc_link("a,fd(0)", 2, mac(1)));
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01"), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::error, "'a,fd(0)' not attached")));
    EXPECT_THAT(link(netvsc_link("a,fd(0)", 2, mac(7))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("a,fd(0)", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_THAT(link(netvsc_link("a=b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::error, "'a=b' not attached")));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, WithoutNamesTooANetdeviceIsTakenWhenItsNameBecomesSafe) {
    instance(0, "");
    EXPECT_THAT(link(netvsc_link("a\nb", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::error, "'a\\x0ab' not attached")));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, APortStaysWhenItsNetdeviceGetsANameThatIsNotSafe) {
    eth1_attached();
    EXPECT_THAT(link(netvsc_link("a\xff,b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::info, "eth1 is now a\\xff,b")));
    EXPECT_EQ(port(0).netdevice, "a\xff,b");
}

TEST_F(SupervisorTest, APortNotYetMadeIsGivenUpWhenTheNameIsNoLongerSafe) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "mac=00:15:5d:00:00:01");
    failed(0, ENOMEM);
    messages();
    EXPECT_THAT(link(netvsc_link("a,b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), Contains(says(Level::error, "'a,b' not attached")));
    EXPECT_TRUE(idle());
    EXPECT_EQ(ports(), 0U);
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, APortThatFailsIsGivenUpWhenTheNameHasBecomeUnsafeMeanwhile) {
    for (const int error : {EEXIST, ENOMEM}) {
        link(netvsc_link("eth1", 2, mac(1)));
        EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01"), ElementsAre("create 0 eth1"));
        EXPECT_THAT(link(netvsc_link("a,b", 2, mac(1))), IsEmpty());
        EXPECT_THAT(failed(0, error), Not(Contains(HasSubstr("create"))));
        EXPECT_TRUE(idle());
        EXPECT_EQ(ports(), 0U);
        remove_instance(0);
        gone(2);
    }
}

// ---- What sysfs could not tell.

TEST_F(SupervisorTest, APortStaysWhenSysfsCannotTellOfItsNetdevice) {
    eth1_attached_with_vf();
    // Renamed twice in a row: by the time the first is read the name is not there any more.
    EXPECT_THAT(texts(supervisor_.link(netvsc_link("rename2", 2, mac(1)).message, std::nullopt)),
                IsEmpty());
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_EQ(port(0).ifindex, 2);
    EXPECT_EQ(port(0).netdevice, "wan");
    EXPECT_THAT(texts(supervisor_.link(vf("rename3", 3, mac(1), pci1).message, std::nullopt)),
                IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

TEST_F(SupervisorTest, WhatIsNewAndSysfsCannotTellOfIsKnownWithTheNextMessage) {
    instance(0, "");
    EXPECT_THAT(texts(supervisor_.link(netvsc_link("eth0", 2, mac(1)).message, std::nullopt)),
                IsEmpty());
    EXPECT_TRUE(supervisor_.wants_facts(netvsc_link("eth1", 2, mac(1)).message));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

// sysfs is not asked about those; what was known is of the netdevice that had the index before.
TEST_F(SupervisorTest, AnIndexThatPassesToSoftwareIsNotNetvscAnyMore) {
    eth1_attached();
    const LinkMessage message = software("veth0", 2, mac(1)).message;
    ASSERT_FALSE(supervisor_.wants_facts(message));
    EXPECT_THAT(texts(supervisor_.link(message, std::nullopt)), ElementsAre("report removal of 0"));
    EXPECT_FALSE(supervisor_.links().find(2)->is_netvsc());
}

// ---- Several instances.

TEST_F(SupervisorTest, TwoInstancesHaveTheirOwnPortsAndNumbers) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    EXPECT_THAT(instance(0, "iface=eth2"), ElementsAre("create 0 eth2"));
    EXPECT_THAT(instance(1, "iface=eth1"), ElementsAre("create 1 eth1"));
    created(0);
    created(1);
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_EQ(port(1).ifindex, 2);
}

TEST_F(SupervisorTest, ANetdeviceThatAnotherInstanceHasStaysThereWithAWarning) {
    eth1_attached();
    EXPECT_THAT(instance(1, "iface=eth1"), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::warning, "eth1 is already attached, by "
                                                             "net_failsafe_vsc0")));
    EXPECT_THAT(instance(2, ""), IsEmpty());
    EXPECT_EQ(ports(), 1U);
}

TEST_F(SupervisorTest, HotplugPollIsTheInstances) {
    link(netvsc_link("eth1", 2, mac(1)));
    const auto commands = try_instance(0, "iface=eth1,hotplug_poll=77");
    ASSERT_TRUE(commands);
    ASSERT_THAT(*commands, SizeIs(1));
    EXPECT_EQ(std::get<CreatePort>(commands->front()).hotplug_poll, 77ms);
}

// ---- Making ports.

TEST_F(SupervisorTest, ANumberThatSomethingStillCarriesIsLeftOut) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(failed(0, EEXIST), ElementsAre("create 1 eth1"));
    EXPECT_THAT(failed(1, EEXIST), ElementsAre("create 2 eth1"));
    created(2);
    EXPECT_EQ(port(2).ifindex, 2);
    EXPECT_EQ(ports(), 1U);
    EXPECT_THAT(gone(2), ElementsAre("report removal of 2"));
}

TEST_F(SupervisorTest, APortThatCannotBeMadeIsTriedAgainLaterAndLaterWithFewMessages) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s}) {
        EXPECT_THAT(failed(0, ENOMEM), IsEmpty());
        EXPECT_THAT(messages(), ElementsAre(says(Level::error,
                                                 "trying again in " +
                                                     std::to_string(expected.count()) + "000 ms")));
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(elapse(), ElementsAre("create 0 eth1"));
        EXPECT_TRUE(idle()) << "the edge has it now";
    }
    failed(0, ENOMEM);
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_EQ(delay(), 60s);
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1"));
    created(0);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, APortTriedAgainIsMadeUnderTheNetdevicesNewName) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    failed(0, ENOMEM);
    link(netvsc_link("wan", 2, mac(1)));
    EXPECT_THAT(elapse(), ElementsAre("create 0 wan"));
}

TEST_F(SupervisorTest, APortIsNotTriedAgainWhenItsNetdeviceOrInstanceIsGone) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    instance(0, "iface=eth1");
    instance(1, "iface=eth2");
    failed(0, ENOMEM);
    failed(1, ENOMEM);
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(remove_instance(1), IsEmpty());
    EXPECT_EQ(ports(), 0U);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, WhatAFailedPortHadOfItsVfIsLetGo) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
    probed(0, pci1);
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0"));
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, WhatAFailedPortHadOfItsVfIsLetGoWhenTheInstanceIsGoneToo) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1);
    EXPECT_THAT(remove_instance(0), IsEmpty());
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0"));
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, TheVfOfANetvscThatGoesWhileItsPortIsMadeIsWithdrawnWhenItIsMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    // Sooner would be in vain: the thread that makes the port may not have probed it yet.
    EXPECT_THAT(gone(2), IsEmpty());
    probed(0, pci1);
    EXPECT_THAT(created(0), ElementsAre("withdraw 0 0000:03:00.0", "report removal of 0"));
}

// ---- VFs.

TEST_F(SupervisorTest, AVfThatIsThereBeforeThePortIsAnnouncedWithIt) {
    link(vf("eth2", 3, mac(1), pci1));
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
    EXPECT_THAT(probed(0, pci1), IsEmpty());
    EXPECT_TRUE(idle()) << "not before the port is there";
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
    EXPECT_THAT(checked(0, pci1, true), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AVfThatAppearsIsAnnounced) {
    eth1_attached();
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "VF 0000:03:00.0 is there")));
    EXPECT_EQ(port(0).vf_state, VfState::present);
    EXPECT_TRUE(idle());
    probed(0, pci1);
    EXPECT_EQ(port(0).vf_state, VfState::announced);
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
    EXPECT_TRUE(idle());
    checked(0, pci1, true);
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "VF 0000:03:00.0 attached")));
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AVfIsSoughtByCurrentAndPermanentMacOfBoth) {
    Link slow = netvsc_link("eth1", 2, mac(10));
    slow.message.permanent_mac = mac(11);
    link(slow);
    instance(0, "iface=eth1");
    created(0);
    for (const auto &[current, permanent] :
         {std::pair{10U, 99U}, {11U, 99U}, {99U, 10U}, {99U, 11U}}) {
        Link fast = vf("eth2", 3, mac(current), pci1);
        fast.message.permanent_mac = mac(permanent);
        EXPECT_THAT(link(fast), ElementsAre("announce 0 0000:03:00.0"));
        EXPECT_THAT(gone(3), ElementsAre("withdraw 0 0000:03:00.0"));
    }
    EXPECT_THAT(link(vf("eth2", 3, mac(99), pci1)), IsEmpty());
}

TEST_F(SupervisorTest, OnlyAnEthernetNetdeviceOfAPciFunctionIsAVf) {
    eth1_attached();
    EXPECT_THAT(link(ethernet("usb0", 3, mac(1))), IsEmpty());
    EXPECT_THAT(link(software("vlan0", 4, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth4", 5, mac(1))), IsEmpty());
    Link infiniband = vf("ib0", 6, mac(1), pci1);
    infiniband.message.type = ARPHRD_INFINIBAND;
    EXPECT_THAT(link(infiniband), IsEmpty());
}

// One PCI function for several ports: the address tells them apart.
TEST_F(SupervisorTest, ManaIsAnnouncedWithItsMac) {
    eth1_attached();
    Link mana = vf("eth2", 3, mac(1), pci1);
    mana.facts.mana = true;
    EXPECT_THAT(link(mana), ElementsAre("announce 0 0000:03:00.0,mac=00:15:5d:00:00:01"));
}

TEST_F(SupervisorTest, AVfThatGoesIsWithdrawn) {
    eth1_attached_with_vf();
    EXPECT_THAT(gone(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "VF 0000:03:00.0 is gone")));
    EXPECT_FALSE(port(0).vf);
    EXPECT_TRUE(idle());
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfThatChangesItsNameOnlyStays) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(vf("enP1", 3, mac(1), pci1)), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

TEST_F(SupervisorTest, AVfThatChangesItsMacIsWithdrawn) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AnIndexThatPassesToAVfOfAnotherAddressIsAnotherVf) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci2)),
                ElementsAre("withdraw 0 0000:03:00.0", "announce 0 0000:04:00.0"));
}

TEST_F(SupervisorTest, AVfThatLeavesOnePortForAnotherIsWithdrawnFirst) {
    eth1_attached_with_vf();
    link(netvsc_link("eth9", 9, mac(9)));
    instance(1, "iface=eth9");
    created(1);
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)),
                ElementsAre("withdraw 0 0000:03:00.0", "announce 1 0000:03:00.0"));
}

TEST_F(SupervisorTest, ANetvscThatChangesItsMacChangesItsVf) {
    eth1_attached_with_vf();
    link(vf("eth5", 5, mac(5), pci2));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(5))),
                ElementsAre("withdraw 0 0000:03:00.0", "announce 0 0000:04:00.0"));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(6))), ElementsAre("withdraw 0 0000:04:00.0"));
}

TEST_F(SupervisorTest, OfTwoVfsTheOneInUseStaysAndTheOtherTakesItsPlace) {
    eth1_attached();
    EXPECT_THAT(link(vf("eth4", 4, mac(1), pci2)), ElementsAre("announce 0 0000:04:00.0"));
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), IsEmpty());
    EXPECT_EQ(port(0).vf, PciAddress::parse(pci2));
    EXPECT_THAT(gone(4), ElementsAre("withdraw 0 0000:04:00.0", "announce 0 0000:03:00.0"));
    EXPECT_THAT(link(vf("eth4", 4, mac(1), pci2)), IsEmpty());
    EXPECT_THAT(gone(4), IsEmpty());
    EXPECT_EQ(port(0).vf, PciAddress::parse(pci1));
}

TEST_F(SupervisorTest, WhatHappensToTheVfWhileThePortIsMadeIsMadeUpForThen) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(link(vf("eth4", 4, mac(1), pci2)), IsEmpty());
    probed(0, pci1);
    EXPECT_THAT(created(0), ElementsAre("withdraw 0 0000:03:00.0", "announce 0 0000:04:00.0"));
}

TEST_F(SupervisorTest, ANetdeviceTakenByForceIsNoVfAnyMore) {
    eth1_attached_with_vf();
    EXPECT_THAT(instance(1, "iface=eth2,force=1"),
                UnorderedElementsAre("withdraw 0 0000:03:00.0", "create 1 eth2"));
    created(1);
    // Until that port ends.
    EXPECT_THAT(remove_instance(1), UnorderedElementsAre("destroy 1", "announce 0 0000:03:00.0"));
}

// ---- VFs that fail-safe or DPDK does not take.

TEST_F(SupervisorTest, AVfThatIsNotTakenIsAnnouncedAgain) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    std::chrono::milliseconds last{};
    for (int i = 0; i < 5; ++i) {
        probed(0, pci1);
        EXPECT_GT(delay(), 2 * Arguments::default_hotplug_poll);
        EXPECT_GT(delay(), last);
        last = delay();
        EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
        EXPECT_THAT(checked(0, pci1, false), ElementsAre("announce 0 0000:03:00.0"));
    }
}

TEST_F(SupervisorTest, AVfWhoseProbeFailsIsTriedAgainLaterAndLaterWithFewMessages) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    messages();
    auto expected = 10ms;
    while (expected < 30s) {
        EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
        EXPECT_EQ(port(0).vf_state, VfState::faulted);
        EXPECT_THAT(messages(), ElementsAre(says(Level::warning,
                                                 "trying again in " +
                                                     std::to_string(expected.count()) + " ms")));
        EXPECT_EQ(delay(), expected);
        EXPECT_THAT(elapse(), ElementsAre("announce 0 0000:03:00.0"));
        expected *= 2;
    }
    probed(0, pci1, ENODEV);
    EXPECT_THAT(messages(), SizeIs(1));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(delay(), 30s);
        EXPECT_THAT(elapse(), ElementsAre("announce 0 0000:03:00.0"));
        probed(0, pci1, ENODEV);
        EXPECT_THAT(messages(), IsEmpty());
    }
}

TEST_F(SupervisorTest, ANewVfBeginsWithAShortDelayAgain) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    for (int i = 0; i < 5; ++i) {
        probed(0, pci1, ENODEV);
        elapse();
    }
    gone(3);
    link(vf("eth2", 4, mac(1), pci1));
    probed(0, pci1, ENODEV);
    EXPECT_EQ(delay(), 10ms);
}

TEST_F(SupervisorTest, AVfWhosePortIsClosedWhileItIsThereIsAnnouncedAgain) {
    eth1_attached_with_vf();
    EXPECT_THAT(vf_closed(pci1), IsEmpty());
    EXPECT_FALSE(idle());
    EXPECT_THAT(elapse(), ElementsAre("announce 0 0000:03:00.0"));
    probed(0, pci1);
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfWhosePortIsClosedBecauseItGoesIsNotAnnouncedAgain) {
    eth1_attached_with_vf();
    vf_closed(pci1);
    EXPECT_THAT(gone(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, OutcomesOfAVfThatIsNotThePortsAnyMoreAreLeftAlone) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    gone(3);
    EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
    EXPECT_THAT(checked(0, pci1, false), IsEmpty());
    EXPECT_THAT(vf_closed(pci1), IsEmpty());
    EXPECT_TRUE(idle());
    EXPECT_THAT(checked(7, pci1, true), IsEmpty());
}

TEST_F(SupervisorTest, AnOutcomeThatComesTwiceCountsOnce) {
    eth1_attached_with_vf();
    EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
    EXPECT_THAT(checked(0, pci1, false), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

// ---- VFs that are bound to a kernel driver, and that get device arguments.

TEST_F(SupervisorTest, DeviceArgumentsAreAppendedToTheAddress) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_args=a=1");
    created(0);
    Link mana = vf("eth2", 3, mac(1), pci1);
    mana.facts.mana = true;
    EXPECT_THAT(link(mana), ElementsAre("announce 0 0000:03:00.0,mac=00:15:5d:00:00:01,a=1"));
    gone(3);
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0,a=1"));
}

TEST_F(SupervisorTest, AVfIsBoundWhenThePortIsMadeAndGivenBackWithIt) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(instance(0, "iface=eth1,vf_bind=vfio-pci"),
                ElementsAre("create 0 eth1 vf 0000:03:00.0 bind vfio-pci"));
    bound(0, pci1);
    probed(0, pci1);
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::announced);
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0 and give back"));
}

TEST_F(SupervisorTest, ABoundVfIsGivenBackWhenItsPortCannotBeMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    bound(0, pci1);
    probed(0, pci1);
    gone(3);
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0 and give back"));
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1 vf 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, ABoundVfIsGivenBackWhenItsNetvscGoes) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    gone(3);
    EXPECT_THAT(gone(2), ElementsAre("withdraw 0 0000:03:00.0", "give back 0000:03:00.0",
                                     "report removal of 0"));
}

TEST_F(SupervisorTest, AVfWithAnIpAddressIsNotBoundUntilTheAddressGoes) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    messages();
    routed(3);
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::error, "VF eth2 has an IP address")));
    EXPECT_THAT(link(vf("wan", 3, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth9", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), Not(Contains(Field(&Message::level, Level::error))))
        << "once is enough";
    EXPECT_FALSE(port(0).vf);
    EXPECT_THAT(routed(3, false), ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, AVfThatGetsAnIpAddressBeforeItCouldBeBoundIsLeftAlone) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(bind_failed(0, pci1), IsEmpty());
    EXPECT_THAT(routed(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_TRUE(idle());
    EXPECT_THAT(messages(), Contains(says(Level::error, "VF eth2 has an IP address")));
}

TEST_F(SupervisorTest, AVfWithAnIpAddressThatKeepsItsKernelDriverIsTaken) {
    eth1_attached();
    routed(3);
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(routed(3, false), IsEmpty());
}

TEST_F(SupervisorTest, InAListingAVfIsBoundWhenItsAddressesAreKnown) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth3", 5, mac(2)));
    instance(0, "vf_bind=vfio-pci");
    created(0);
    created(1);
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth3", 5, mac(2)));
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(link(vf("eth4", 4, mac(2), pci2)), IsEmpty());
    EXPECT_THAT(routed(3), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing()),
                ElementsAre("announce 1 0000:04:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, AVfLetGoOfWhileItWasBoundIsGivenBack) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    gone(3);
    EXPECT_THAT(bound(0, pci1), ElementsAre("give back 0000:03:00.0"));
    EXPECT_THAT(bound(7, pci1), ElementsAre("give back 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfLetGoOfWhileItWasProbedIsWithdrawn) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    EXPECT_THAT(pci_removed(pci1), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
    EXPECT_THAT(probed(0, pci1), ElementsAre("withdraw 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, ABoundVfWhoseNetdeviceStillTellsThatItIsNotOursIsLeft) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9,vf_bind=vfio-pci");
    created(0);
    created(1);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)),
                ElementsAre("withdraw 0 0000:03:00.0", "give back 0000:03:00.0",
                            "announce 1 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, OneFunctionIsTheVfsOfSeveralPortsOfMana) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9");
    created(0);
    created(1);
    Link first = vf("enP1", 3, mac(1), pci1);
    Link second = vf("enP2", 4, mac(9), pci1);
    first.facts.mana = second.facts.mana = true;
    EXPECT_THAT(link(first), ElementsAre("announce 0 0000:03:00.0,mac=00:15:5d:00:00:01"));
    EXPECT_THAT(link(second), ElementsAre("announce 1 0000:03:00.0,mac=00:15:5d:00:00:09,"
                                          "mac=00:15:5d:00:00:01"));
    const PciAddress pci = PciAddress::parse(pci1).value();
    const VfId one(pci, mac(1));
    const VfId other(pci, mac(9));
    for (const auto &[number, id] : {std::pair(0U, one), std::pair(1U, other)}) {
        EXPECT_EQ(supervisor_.port_with_vf(id), number);
        texts(supervisor_.vf_probed(number, id, 0, now_));
    }
    for (const auto &text : elapse())
        EXPECT_THAT(text, HasSubstr("check"));
    texts(supervisor_.vf_checked(0, one, true));
    texts(supervisor_.vf_checked(1, other, true));
    // What one's port tells is not the other's.
    texts(supervisor_.vf_recovering(other));
    EXPECT_EQ(port(0).vf_state, VfState::attached);
    EXPECT_EQ(port(1).vf_state, VfState::recovering);
    EXPECT_THAT(gone(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_EQ(port(1).vf_state, VfState::recovering);
    // The function's removal is both's.
    EXPECT_THAT(link(first), SizeIs(1));
    vf_port_remains_ = true;
    EXPECT_THAT(pci_removed(pci1),
                UnorderedElementsAre("withdraw 0 0000:03:00.0", "withdraw 1 0000:03:00.0"));
}

TEST_F(SupervisorTest, AManaFunctionIsProbedForAllPortsThatAreKnown) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    Link first = vf("enP1", 3, mac(1), pci1);
    Link second = vf("enP2", 4, mac(9), pci1);
    first.facts.mana = second.facts.mana = true;
    link(first);
    link(second);
    EXPECT_THAT(instance(0, "iface=eth1,iface=eth9,vf_args=a=1"),
                ElementsAre("create 0 eth1 vf 0000:03:00.0,mac=00:15:5d:00:00:01,a=1",
                            "create 1 eth9 vf 0000:03:00.0,mac=00:15:5d:00:00:09,"
                            "mac=00:15:5d:00:00:01,a=1"));
}

TEST_F(SupervisorTest, AVfIsTakenByTheNextPortOnlyOnceTheFirstHasLetGoOfIt) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9");
    created(0);
    created(1);
    link(vf("eth2", 3, mac(1), pci1));
    probed(0, pci1);
    vf_port_remains_ = true; // fail-safe takes its time
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_FALSE(port(1).vf);
    EXPECT_THAT(vf_closed(pci1), ElementsAre("announce 1 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfIsTakenByTheNextPortOnlyOnceItHasBeenGivenBack) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9,vf_bind=vfio-pci");
    created(0);
    created(1);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    vf_is_back_ = false;
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)),
                ElementsAre("withdraw 0 0000:03:00.0", "give back 0000:03:00.0"));
    EXPECT_THAT(texts(supervisor_.vf_released(PciAddress::parse(pci1).value())),
                ElementsAre("announce 1 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, AVfIsTakenByTheNextPortWhenTheFirstIsClosed) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1");
    instance(1, "iface=eth9");
    created(0);
    created(1);
    Link both = vf("eth2", 3, mac(1), pci1);
    both.message.permanent_mac = mac(9);
    EXPECT_THAT(link(both), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0", "announce 1 0000:03:00.0"));
}

// ---- What uevents tell.

TEST_F(SupervisorTest, ABoundVfWhosePciFunctionGoesIsWithdrawn) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    probed(0, pci1);
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(pci_removed(pci2), IsEmpty());
    EXPECT_THAT(pci_removed(pci1), ElementsAre("withdraw 0 0000:03:00.0")) << "not given back";
    EXPECT_FALSE(port(0).vf);
    EXPECT_TRUE(idle());
    EXPECT_THAT(pci_removed(pci1), IsEmpty());
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, ABoundVfThatLosesItsKernelDriverIsWithdrawn) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=uio_pci_generic");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    const auto unbound = [&](const char *pci) {
        return texts(supervisor_.pci_unbound(PciAddress::parse(pci).value()));
    };
    EXPECT_THAT(unbound(pci1), IsEmpty()) << "from its own driver, to be bound";
    bound(0, pci1);
    gone(3);
    EXPECT_THAT(unbound(pci2), IsEmpty());
    EXPECT_THAT(unbound(pci1), ElementsAre("withdraw 0 0000:03:00.0")) << "not given back";
    EXPECT_THAT(pci_removed(pci1), IsEmpty());
}

// The removal is read only after the address has passed to another device, which is bound already.
TEST_F(SupervisorTest, ABoundVfThatALateRemovalMayBeOfIsGivenBackAndBeginsAnew) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    gone(3);
    EXPECT_THAT(pci_removed(pci1, true),
                ElementsAre("withdraw 0 0000:03:00.0", "give back 0000:03:00.0"));
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, TheVfsInHandAreKnownForARescan) {
    EXPECT_THAT(supervisor_.vfs(), IsEmpty());
    EXPECT_FALSE(supervisor_.port_with_vf(PciAddress::parse(pci1).value()));
    eth1_attached_with_vf();
    link(netvsc_link("eth5", 5, mac(5)));
    instance(1, "iface=eth5");
    created(1);
    EXPECT_THAT(supervisor_.vfs(), ElementsAre(PciAddress::parse(pci1).value()));
    link(vf("eth6", 6, mac(5), pci2));
    EXPECT_THAT(supervisor_.vfs(),
                ElementsAre(PciAddress::parse(pci1).value(), PciAddress::parse(pci2).value()));
    EXPECT_EQ(supervisor_.port_with_vf(PciAddress::parse(pci2).value()), 1U);
    gone(3);
    EXPECT_THAT(supervisor_.vfs(), ElementsAre(PciAddress::parse(pci2).value()));
}

TEST_F(SupervisorTest, AfterFlappingThePortHasTheVfThatIsThere) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    for (int i = 0; i < 100'000; ++i) {
        const int ifindex = 3 + i % 2;
        ASSERT_THAT(link(vf("eth2", ifindex, mac(1), pci1)), SizeIs(1)) << i;
        if (i % 3 != 0) {
            EXPECT_THAT(bound(0, pci1), IsEmpty());
        }
        gone(ifindex);
        pci_removed(pci1);
        ASSERT_EQ(port(0).vf_state, VfState::absent) << i;
        messages();
    }
    EXPECT_TRUE(idle());
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

// ---- What a port lives through.

TEST_F(SupervisorTest, ARenameIsFollowed) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(says(Level::info, "netdevice eth1 is now wan")));
    EXPECT_EQ(port(0).netdevice, "wan");
    // Another that gets the name is another port.
    EXPECT_THAT(link(netvsc_link("eth1", 5, mac(5))), ElementsAre("create 1 eth1"));
}

TEST_F(SupervisorTest, CarrierAndFlagsAreNothing) {
    eth1_attached_with_vf();
    Link changed = netvsc_link("eth1", 2, mac(1));
    changed.message.flags = 1;
    changed.message.carrier = true;
    EXPECT_THAT(link(changed), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, ANetvscThatGoesIsReportedAndItsPortKeptUntilClosed) {
    eth1_attached_with_vf();
    EXPECT_THAT(gone(2), ElementsAre("withdraw 0 0000:03:00.0", "report removal of 0"));
    EXPECT_THAT(messages(), ElementsAre(says(Level::notice, "VF 0000:03:00.0 is gone"),
                                        says(Level::notice, "netdevice eth1 is gone")));
    EXPECT_EQ(port(0).ifindex, 0);
    EXPECT_TRUE(idle());
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, ANetvscThatComesBackIsANewPortWithANewNumber) {
    eth1_attached();
    gone(2);
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 1 eth1"));
    created(1);
    closed(0);
    gone(2);
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, ANetvscThatGoesWhileItsPortIsMadeIsReportedThen) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(created(0), ElementsAre("report removal of 0"));
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, ANetvscThatGoesWhileItsPortCannotBeMadeLeavesNothing) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    gone(2);
    EXPECT_THAT(failed(0, EEXIST), IsEmpty());
    EXPECT_EQ(ports(), 0U);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AnIndexThatPassesToAnotherKindOfNetdeviceIsANetvscGone) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(ethernet("eth1", 2, mac(1))),
                ElementsAre("withdraw 0 0000:03:00.0", "report removal of 0"));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 1 eth1 vf 0000:03:00.0"));
}

TEST_F(SupervisorTest, APortTheApplicationClosesIsNotMadeAgainWhileItsNetdeviceStays) {
    eth1_attached_with_vf();
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0"));
    EXPECT_TRUE(idle());
    EXPECT_THAT(link(netvsc_link("eth9", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
}

TEST_F(SupervisorTest, APortTheApplicationClosesIsMadeForANewInstance) {
    eth1_attached();
    closed(0);
    EXPECT_THAT(instance(1, "iface=eth1"), ElementsAre("create 0 eth1"));
    created(0);
    // Closed for both of them now.
    closed(0);
    EXPECT_THAT(link(netvsc_link("eth9", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    remove_instance(0);
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, APortTheApplicationClosesWhileItIsMadeIsGone) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, OutcomesOfAPortThatIsNotThereAreLeftAlone) {
    EXPECT_THAT(created(5), IsEmpty());
    EXPECT_THAT(failed(5, EEXIST), IsEmpty());
    EXPECT_THAT(closed(5), IsEmpty());
}

// ---- Instances that go.

TEST_F(SupervisorTest, AnInstanceThatGoesTakesItsPortsWithIt) {
    eth1_attached_with_vf();
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_TRUE(idle());
    EXPECT_EQ(ports(), 1U) << "until it is closed";
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0"));
    EXPECT_EQ(ports(), 0U);
    EXPECT_FALSE(supervisor_.has_instances());
}

TEST_F(SupervisorTest, AnInstanceThatGoesTakesPortsWhoseNetvscIsGoneToo) {
    eth1_attached();
    gone(2);
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), IsEmpty());
}

TEST_F(SupervisorTest, APortStillBeingMadeForAnInstanceThatGoesIsDestroyedThen) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(remove_instance(0), IsEmpty());
    EXPECT_THAT(created(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), IsEmpty());
}

TEST_F(SupervisorTest, APortThatCannotBeMadeForAnInstanceThatGoesIsNotTriedAgain) {
    for (const int error : {EEXIST, ENOMEM}) {
        link(netvsc_link("eth1", 2, mac(1)));
        instance(0, "iface=eth1");
        remove_instance(0);
        EXPECT_THAT(failed(0, error), IsEmpty());
        EXPECT_EQ(ports(), 0U);
        EXPECT_TRUE(idle());
    }
}

TEST_F(SupervisorTest, ANumberIsNotUsedAgainBeforeItsPortIsGone) {
    eth1_attached();
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(instance(1, "iface=eth1"), ElementsAre("create 1 eth1"));
    created(1);
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(port(1).ifindex, 2);
    EXPECT_THAT(gone(2), ElementsAre("report removal of 1"));
}

// ---- Listings.

TEST_F(SupervisorTest, InAListingWhetherANetvscIsRoutedIsKnownAtItsEnd) {
    instance(0, "");
    supervisor_.begin_listing();
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth2", 3, mac(2))), IsEmpty());
    routed(2);
    EXPECT_THAT(texts(supervisor_.end_listing()), ElementsAre("create 0 eth2"));
}

TEST_F(SupervisorTest, AnInstanceAddedWithinAListingWaitsForItsEnd) {
    link(netvsc_link("eth1", 2, mac(1)));
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, ""), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing()), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, AListingThatChangesNothingDoesNothing) {
    eth1_attached_with_vf();
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(texts(supervisor_.end_listing()), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, WhatAListingDoesNotNameIsGone) {
    eth1_attached_with_vf();
    supervisor_.begin_listing();
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing()), ElementsAre("withdraw 0 0000:03:00.0"));
    supervisor_.begin_listing();
    EXPECT_THAT(texts(supervisor_.end_listing()), ElementsAre("report removal of 0"));
    EXPECT_EQ(supervisor_.links().size(), 0U);
}

TEST_F(SupervisorTest, AListingOvertakenByARemovalEndsWithoutIt) {
    instance(0, "");
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing()), IsEmpty());
}

// A NetVSC known before, routed at the start, is not new because it is listed again.
TEST_F(SupervisorTest, AListingDoesNotMakeAnOldNetvscNew) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    instance(0, "");
    supervisor_.begin_listing();
    link(netvsc_link("wan", 2, mac(1)));
    EXPECT_THAT(texts(supervisor_.end_listing()), IsEmpty());
}

// ---- What is told.

TEST_F(SupervisorTest, TellsOfAPortAndItsVf) {
    eth1_attached_with_vf();
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0",
                                     "event vf_attached 0 0000:03:00.0"));
    events_.clear();
    gone(3);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, TellsOfAVfThatWasThereFirstAfterItsPort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1);
    EXPECT_THAT(events_, IsEmpty());
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0"));
    elapse();
    checked(0, pci1, true);
    EXPECT_EQ(events_.back(), "event vf_attached 0 0000:03:00.0");
}

TEST_F(SupervisorTest, TellsOfAVfThatFailedWhileItsPortWasMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1, ENODEV);
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0",
                                     "event vf_failed 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, TellsNothingOfAVfThatWentWhileItsPortWasMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    vf_port_remains_ = true;
    pci_removed(pci1);
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0"));
}

TEST_F(SupervisorTest, TellsNothingOfAPortThatIsNotMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1);
    failed(0, EIO);
    gone(2);
    EXPECT_THAT(events_, IsEmpty());
}

TEST_F(SupervisorTest, TellsNothingOfAPortWhoseInstanceWentMeanwhile) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    remove_instance(0);
    EXPECT_THAT(created(0), ElementsAre("destroy 0"));
    closed(0);
    EXPECT_THAT(events_, IsEmpty());
}

// ---- Links.

TEST_F(SupervisorTest, HasTheLinkLookedAtWhenACarrierChanges) {
    eth1_attached_with_vf();
    const auto refreshed = [&](Link changed) {
        return std::ranges::count_if(
            supervisor_.link(changed.message, changed.facts),
            [](const Command &command) { return std::holds_alternative<RefreshLink>(command); });
    };
    Link netvsc = netvsc_link("eth1", 2, mac(1));
    EXPECT_EQ(refreshed(netvsc), 0);
    netvsc.message.carrier = !netvsc.message.carrier;
    EXPECT_EQ(refreshed(netvsc), 1);
    EXPECT_EQ(refreshed(netvsc), 0);
    netvsc.message.flags ^= IFF_RUNNING;
    EXPECT_EQ(refreshed(netvsc), 1);
    netvsc.message.flags ^= IFF_UP;
    EXPECT_EQ(refreshed(netvsc), 1);
    netvsc.message.flags ^= IFF_PROMISC;
    EXPECT_EQ(refreshed(netvsc), 0);

    Link below = vf("eth2", 3, mac(1), pci1);
    below.message.carrier = !below.message.carrier;
    EXPECT_EQ(refreshed(below), 1);

    Link foreign = vf("eth9", 9, mac(9), pci2);
    EXPECT_EQ(refreshed(foreign), 0);
    foreign.message.carrier = !foreign.message.carrier;
    EXPECT_EQ(refreshed(foreign), 0);
}

} // namespace
} // namespace netvsc
