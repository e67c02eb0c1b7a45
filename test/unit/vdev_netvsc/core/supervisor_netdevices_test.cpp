// SPDX-License-Identifier: BSD-3-Clause
//
// Which netdevices become ports.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

// ---- Which netdevices become ports: named ones.

TEST_F(SupervisorTest, ANetvscNamedByInterfaceBecomesAPort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth2", 3, mac(2)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "net_failsafe_vsc0 attached to "
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
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::warning, "iface=eth1 and "
                                                       "mac=00:15:5d:00:00:01 name the same "
                                                       "netdevice")));
}

TEST_F(SupervisorTest, AVfIsNotWhatAMacNames) {
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(instance(0, "mac=00:15:5d:00:00:01"), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "mac=00:15:5d:00:00:01 yet")));
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
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::notice, "no netdevice with iface=eth1 yet; waiting"),
                            is_message(Level::notice,
                                       "no netdevice with mac=00:15:5d:00:00:02 yet; waiting")));
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
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::warning, "eth1 has an IP address")));
}

TEST_F(SupervisorTest, ANamedNetdeviceThatIsNotNetvscIsRefusedOnce) {
    const Link other = ethernet("eth1", 2, mac(1));
    link(other);
    EXPECT_THAT(instance(0, "iface=eth1"), IsEmpty());
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::error, "eth1 not attached: expected a NetVSC")));
    gone(2);
    EXPECT_THAT(link(other), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, WithForceANetdeviceThatIsNotNetvscIsTakenWithAWarning) {
    link(ethernet("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1,force=1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::warning, "eth1 is not a NetVSC netdevice")));
}

TEST_F(SupervisorTest, ANamedNetdeviceMadeBySoftwareIsTreatedLikeAnyOtherThatIsNotNetvsc) {
    link(software("veth0", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=veth0"), IsEmpty());
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::error, "veth0 not attached: expected a NetVSC")));
    EXPECT_THAT(instance(1, "iface=veth0,force=1"), ElementsAre("create 0 veth0"));
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::warning, "veth0 is not a NetVSC netdevice")));
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
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::error, "expected an Ethernet netdevice")));
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
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "eth2 not attached")));
}

TEST_F(SupervisorTest, WithoutNamesANetvscThatAppearsBecomesAPort) {
    instance(0, "");
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
    EXPECT_THAT(link(vf("eth5", 6, mac(5), pci1)), IsEmpty());
}

TEST_F(SupervisorTest, WithoutNamesARoutedNetvscIsPassedOverAndItsAddressLoggedOnce) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, ""), IsEmpty());
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::notice, "net_vdev_netvsc0: NetVSC netdevice eth1 not "
                                                      "attached: it has the address 10.0.0.1/24")));
    const auto passed_over = supervisor_.passed_over();
    ASSERT_THAT(passed_over, SizeIs(1));
    EXPECT_EQ(passed_over[0].ifindex, 2);
    EXPECT_EQ(passed_over[0].netdevice, "eth1");
    EXPECT_EQ(passed_over[0].mac, mac(1));
    EXPECT_EQ(passed_over[0].address, ipv4(2));
    EXPECT_THAT(link(netvsc_link("a,b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_THAT(instance(1, "iface=wan"), ElementsAre("create 0 wan"));
    EXPECT_THAT(supervisor_.passed_over(), IsEmpty());
}

TEST_F(SupervisorTest, WithoutNamesARoutedNetvscIsTakenTwoSecondsAfterItsLastAddress) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    const AddressMessage link_local{.address = test::ipv6(2, 0xfe, 0x80), .gone = false};
    EXPECT_THAT(texts(supervisor_.address(link_local, now_)), IsEmpty());
    EXPECT_THAT(instance(0, ""), IsEmpty());
    routed(2, false);
    EXPECT_TRUE(idle()) << "it still has the other address";
    EXPECT_EQ(supervisor_.passed_over().at(0).address, test::ipv6(2, 0xfe, 0x80));
    EXPECT_THAT(
        texts(supervisor_.address({.address = test::ipv6(2, 0xfe, 0x80), .gone = true}, now_)),
        IsEmpty());
    EXPECT_THAT(supervisor_.passed_over(), IsEmpty());
    EXPECT_EQ(delay(), 2s);
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 wan"));
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, WithoutNamesANetvscThatGetsAnotherAddressInTimeIsNotTaken) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, ""), IsEmpty());
    routed(2, false);
    EXPECT_FALSE(idle());
    routed(2);
    EXPECT_TRUE(idle());
    EXPECT_EQ(ports(), 0U);
}

// The kernel removes the addresses first.
TEST_F(SupervisorTest, WithoutNamesANetvscThatIsRemovedIsNotTaken) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, ""), IsEmpty());
    routed(2, false);
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_TRUE(idle());
    messages();
    // It returns, without its address, and has no history.
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, WithoutNamesANetvscWhoseAddressGoesUnnoticedIsTaken) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, ""), IsEmpty());
    supervisor_.begin_listing();
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, ANetvscIsPassedOverOnlyByInstancesWithoutNames) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    EXPECT_THAT(instance(0, "iface=eth9"), IsEmpty());
    EXPECT_THAT(instance(1, "ignore=1"), IsEmpty());
    EXPECT_THAT(supervisor_.passed_over(), IsEmpty());
    routed(2, false);
    EXPECT_TRUE(idle());
}

// The application closed its port and gave it to the system.
TEST_F(SupervisorTest, ANetvscWhosePortWasClosedIsNotPassedOver) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, ""), ElementsAre("create 0 eth1"));
    created(0);
    closed(0);
    routed(2);
    EXPECT_THAT(supervisor_.passed_over(), IsEmpty());
    routed(2, false);
    EXPECT_TRUE(idle());
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
    EXPECT_THAT(messages(),
                ElementsAre(is_message(Level::notice, "ignore=1"), is_message(Level::notice, "")));
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
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::error, "'a,fd(0)' not attached")));
    EXPECT_THAT(link(netvsc_link("a,fd(0)", 2, mac(7))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("a,fd(0)", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
    EXPECT_THAT(link(netvsc_link("a=b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::error, "'a=b' not attached")));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, WithoutNamesTooANetdeviceIsTakenWhenItsNameBecomesSafe) {
    instance(0, "");
    EXPECT_THAT(link(netvsc_link("a\nb", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::error, "'a\\x0ab' not attached")));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, APortStaysWhenItsNetdeviceGetsANameThatIsNotSafe) {
    eth1_attached();
    EXPECT_THAT(link(netvsc_link("a\xff,b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::info, "eth1 is now a\\xff,b")));
    EXPECT_EQ(port(0).netdevice, "a\xff,b");
}

TEST_F(SupervisorTest, APortNotYetMadeIsGivenUpWhenTheNameIsNoLongerSafe) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "mac=00:15:5d:00:00:01");
    failed(0, ENOMEM);
    messages();
    EXPECT_THAT(link(netvsc_link("a,b", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), Contains(is_message(Level::error, "'a,b' not attached")));
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

// ---- Netdevices that sysfs does not have.

TEST_F(SupervisorTest, APortStaysWhenSysfsCannotBeReadForItsNetdevice) {
    eth1_attached_with_vf();
    // Renamed twice in a row: sysfs no longer has the name of the first message.
    EXPECT_THAT(texts(supervisor_.link(netvsc_link("rename2", 2, mac(1)).message, std::nullopt)),
                IsEmpty());
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_EQ(port(0).ifindex, 2);
    EXPECT_EQ(port(0).netdevice, "wan");
    EXPECT_THAT(texts(supervisor_.link(vf("rename3", 3, mac(1), pci1).message, std::nullopt)),
                IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

TEST_F(SupervisorTest, ANewNetdeviceThatSysfsDoesNotHaveIsKnownWithTheNextMessage) {
    instance(0, "");
    EXPECT_THAT(texts(supervisor_.link(netvsc_link("eth0", 2, mac(1)).message, std::nullopt)),
                IsEmpty());
    EXPECT_TRUE(supervisor_.wants_facts(netvsc_link("eth1", 2, mac(1)).message));
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

// The driver does not read sysfs for software netdevices. The known facts belong to the netdevice
// that had the index before.
TEST_F(SupervisorTest, AnIndexThatPassesToSoftwareIsNotNetvscAnyMore) {
    eth1_attached();
    const LinkMessage message = software("veth0", 2, mac(1)).message;
    ASSERT_FALSE(supervisor_.wants_facts(message));
    EXPECT_THAT(texts(supervisor_.link(message, std::nullopt)), ElementsAre("raise removal on 0"));
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
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::warning, "eth1 is already attached by "
                                                                   "net_failsafe_vsc0")));
    EXPECT_THAT(instance(2, ""), IsEmpty());
    EXPECT_EQ(ports(), 1U);
}

TEST_F(SupervisorTest, HotplugPollIsTheInstances) {
    link(netvsc_link("eth1", 2, mac(1)));
    const auto decision = try_instance(0, "iface=eth1,hotplug_poll=77");
    ASSERT_TRUE(decision);
    ASSERT_THAT(decision->ports, SizeIs(1));
    EXPECT_EQ(std::get<CreatePort>(decision->ports.front()).hotplug_poll, 77ms);
}

TEST_F(SupervisorTest, APortIsMadeWithTheInstancesFallbackOverTheNetdevice) {
    link(netvsc_link("eth1", 2, mac(1)));
    const auto decision = try_instance(0, "iface=eth1,fallback=af_packet");
    ASSERT_TRUE(decision);
    ASSERT_THAT(decision->ports, SizeIs(1));
    const auto &create = std::get<CreatePort>(decision->ports.front());
    EXPECT_EQ(create.fallback, Fallback::af_packet);
    EXPECT_EQ(create.ifindex, 2);
    EXPECT_EQ(create.mac, mac(1));
}

} // namespace
} // namespace netvsc
