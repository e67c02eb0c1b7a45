// SPDX-License-Identifier: BSD-3-Clause
//
// Which VF belongs to which port, and the states of a VF.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

// ---- VFs.

TEST_F(SupervisorTest, AVfPresentBeforeThePortIsAnnouncedWithIt) {
    link(vf("eth2", 3, mac(1), pci1));
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
    EXPECT_THAT(probed(0, pci1), IsEmpty());
    EXPECT_TRUE(idle()) << "not before the port exists";
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
    EXPECT_THAT(checked(0, pci1, true), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AVfThatAppearsIsAnnounced) {
    eth1_attached();
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "VF 0000:03:00.0 present")));
    EXPECT_EQ(port(0).vf_state, VfState::present);
    EXPECT_TRUE(idle());
    probed(0, pci1);
    EXPECT_EQ(port(0).vf_state, VfState::announced);
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
    EXPECT_TRUE(idle());
    checked(0, pci1, true);
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "VF 0000:03:00.0 attached")));
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AVfThatHvNetvscHasJoinedIsAnnouncedOnceItCanSend) {
    Link netvsc = netvsc_link("eth1", 2, mac(1));
    netvsc.message.flags = IFF_UP;
    link(netvsc);
    instance(0, "iface=eth1");
    created(0);
    Link joined = vf("eth2", 3, mac(1), pci1);
    joined.message.flags = IFF_SLAVE;
    EXPECT_THAT(link(joined), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::absent);
    joined.message.flags |= IFF_UP;
    EXPECT_THAT(link(joined), IsEmpty()) << "without a carrier";
    joined.message.carrier = true;
    EXPECT_THAT(link(joined), ElementsAre("announce 0 0000:03:00.0"));
    joined.message.carrier = false;
    link(joined);
    EXPECT_EQ(port(0).vf_state, VfState::present) << "a VF that was announced stays";
}

TEST_F(SupervisorTest, AVfThatIsJoinedBelowANetvscThatIsDownIsAnnouncedAtOnce) {
    eth1_attached();
    Link joined = vf("eth2", 3, mac(1), pci1);
    joined.message.flags = IFF_SLAVE;
    EXPECT_THAT(link(joined), ElementsAre("announce 0 0000:03:00.0"));
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

// One PCI function for several ports: the MAC address selects the port.
TEST_F(SupervisorTest, ManaIsAnnouncedWithItsMac) {
    eth1_attached();
    Link mana = vf("eth2", 3, mac(1), pci1);
    mana.facts.mana = true;
    EXPECT_THAT(link(mana), ElementsAre("announce 0 0000:03:00.0,mac=00:15:5d:00:00:01"));
}

TEST_F(SupervisorTest, ARemovedVfIsWithdrawn) {
    eth1_attached_with_vf();
    EXPECT_THAT(gone(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "VF 0000:03:00.0 removed")));
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
        EXPECT_THAT(messages(), ElementsAre(is_message(
                                    Level::warning,
                                    "retrying in " + std::to_string(expected.count()) + " ms")));
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

TEST_F(SupervisorTest, AVfWhosePortIsClosedWhileItIsPresentIsAnnouncedAgain) {
    eth1_attached_with_vf();
    EXPECT_THAT(vf_closed(pci1), IsEmpty());
    EXPECT_FALSE(idle());
    EXPECT_THAT(elapse(), ElementsAre("announce 0 0000:03:00.0"));
    probed(0, pci1);
    EXPECT_THAT(elapse(), ElementsAre("check 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfWhosePortIsClosedByItsRemovalIsNotAnnouncedAgain) {
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

TEST_F(SupervisorTest, ARepeatedOutcomeCountsOnce) {
    eth1_attached_with_vf();
    EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
    EXPECT_THAT(checked(0, pci1, false), IsEmpty());
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

// ---- VFs that are held.

TEST_F(SupervisorTest, AHeldVfIsWithdrawnAndAttachedAgainWhenReleased) {
    eth1_attached_with_vf();
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(messages(), Contains(is_message(Level::notice, "net_failsafe_vsc0: VF held")));
    EXPECT_EQ(port(0).vf_state, VfState::absent);
    EXPECT_TRUE(port(0).vf_held);
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)), IsEmpty());
    EXPECT_THAT(link(vf("eth9", 3, mac(1), pci1)), IsEmpty()) << "it is renamed";
    EXPECT_TRUE(idle());
    EXPECT_THAT(texts(supervisor_.hold_vf(0, false)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_FALSE(port(0).vf_held);
    EXPECT_THAT(texts(supervisor_.hold_vf(0, false)), IsEmpty());
}

TEST_F(SupervisorTest, AVfReleasedWhileItIsDetachedIsAttachedAfterwards) {
    eth1_attached_with_vf();
    vf_port_remains_ = true;
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_EQ(port(0).vf_state, VfState::gone);
    EXPECT_THAT(texts(supervisor_.hold_vf(0, false)), IsEmpty());
    EXPECT_THAT(vf_closed(pci1), ElementsAre("announce 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfThatTheHostRemovesWhileItIsHeldIsGone) {
    eth1_attached_with_vf();
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(pci_removed(pci1), IsEmpty());
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(texts(supervisor_.hold_vf(0, false)), IsEmpty());
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), ElementsAre("announce 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfThatArrivesWhileVfsAreHeldIsAttachedWhenTheyAreReleased) {
    eth1_attached();
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)), IsEmpty());
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(texts(supervisor_.hold_vf(0, false)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(texts(supervisor_.hold_vf(7, true)), IsEmpty());
}

TEST_F(SupervisorTest, AHeldVfThatWasBoundReturnsToItsKernelDriver) {
    eth1_with_bound_vf();
    probed(0, pci1);
    elapse();
    checked(0, pci1, true);
    EXPECT_THAT(texts(supervisor_.hold_vf(0, true)),
                ElementsAre("withdraw 0 0000:03:00.0", "restore 0000:03:00.0"));
}

} // namespace
} // namespace netvsc
