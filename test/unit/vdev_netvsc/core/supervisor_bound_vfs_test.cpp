// SPDX-License-Identifier: BSD-3-Clause
//
// VFs that are bound to a kernel driver, or share a PCI function, and their uevents.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

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

TEST_F(SupervisorTest, AVfIsBoundAndRestoredWithItsPort) {
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
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0 and restore"));
}

TEST_F(SupervisorTest, ABoundVfIsRestoredWhenItsPortCannotBeCreated) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    bound(0, pci1);
    probed(0, pci1);
    gone(3);
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0 and restore"));
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1 vf 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, ABoundVfIsRestoredWhenItsNetvscIsRemoved) {
    eth1_with_bound_vf();
    EXPECT_THAT(gone(2), ElementsAre("withdraw 0 0000:03:00.0", "restore 0000:03:00.0",
                                     "raise removal on 0"));
}

TEST_F(SupervisorTest, AVfWithAnIpAddressIsNotBoundUntilTheAddressIsRemoved) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    messages();
    routed(3);
    EXPECT_THAT(link(vf("eth2", 3, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::error, "VF eth2 has an IP address")));
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
    EXPECT_THAT(messages(), Contains(is_message(Level::error, "VF eth2 has an IP address")));
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
    EXPECT_THAT(texts(supervisor_.end_listing(now_)),
                ElementsAre("announce 1 0000:04:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, AVfReleasedDuringItsBindIsRestored) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    gone(3);
    EXPECT_THAT(bound(0, pci1), ElementsAre("restore 0000:03:00.0"));
    EXPECT_THAT(bound(7, pci1), ElementsAre("restore 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfReleasedDuringItsProbeIsWithdrawn) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    EXPECT_THAT(pci_removed(pci1), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(probed(0, pci1, ENODEV), IsEmpty());
    EXPECT_THAT(probed(0, pci1), ElementsAre("withdraw 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, AVfReleasedWhileItWasBoundIsTakenOnlyOnceItsDriverIsRestored) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    gone(3);
    restores_ = false;
    EXPECT_THAT(bound(0, pci1), ElementsAre("restore 0000:03:00.0"));
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)), IsEmpty());
    EXPECT_THAT(outcome(VfReleased{id(pci1)}),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

// The second port is being created with a VF that the first port has taken in between.
TEST_F(SupervisorTest, AVfBoundForAPortThatHasReleasedItBelongsToThePortThatHasIt) {
    Link both = vf("eth2", 3, mac(1), pci1);
    both.message.permanent_mac = mac(9);
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(netvsc_link("eth9", 9, mac(9)));
    instance(1, "iface=eth9,vf_bind=vfio-pci");
    EXPECT_THAT(link(both), ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
    bind_failed(0, pci1);
    EXPECT_THAT(bound(1, pci1), ElementsAre("withdraw 1 0000:03:00.0 without removal"));
    EXPECT_THAT(gone(3), IsEmpty()) << "it lost its netdevice by the bind";
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0 and restore"));
}

TEST_F(SupervisorTest, AVfProbedForAPortThatHasReleasedItIsTakenFromItsPipe) {
    eth1_attached_with_vf();
    link(netvsc_link("eth9", 9, mac(9)));
    instance(1, "iface=eth9");
    EXPECT_THAT(probed(1, pci1), ElementsAre("withdraw 1 0000:03:00.0 without removal"));
    EXPECT_EQ(port(0).vf_state, VfState::attached);
}

TEST_F(SupervisorTest, ABoundVfWhoseNetdeviceBelongsToAnotherPortIsReleased) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9,vf_bind=vfio-pci");
    created(0);
    created(1);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)),
                ElementsAre("withdraw 0 0000:03:00.0", "restore 0000:03:00.0",
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
        outcome(number, id, VfProbed{});
    }
    for (const auto &text : elapse())
        EXPECT_THAT(text, HasSubstr("check"));
    outcome(0, one, VfChecked{.taken = true});
    outcome(1, other, VfChecked{.taken = true});
    // An event of one VF's port does not concern the other VF.
    event(other, VfRecovering{});
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

TEST_F(SupervisorTest, AVfIsTakenByTheNextPortOnlyOnceTheFirstHasReleasedIt) {
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

TEST_F(SupervisorTest, AVfIsTakenByTheNextPortOnlyOnceItIsRestored) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(netvsc_link("eth9", 9, mac(9)));
    instance(0, "iface=eth1,iface=eth9,vf_bind=vfio-pci");
    created(0);
    created(1);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    restores_ = false;
    EXPECT_THAT(link(vf("eth2", 3, mac(9), pci1)),
                ElementsAre("withdraw 0 0000:03:00.0", "restore 0000:03:00.0"));
    EXPECT_THAT(outcome(VfReleased{id(pci1)}),
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

// ---- Uevents.

TEST_F(SupervisorTest, ABoundVfWhosePciFunctionIsRemovedIsWithdrawn) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    link(vf("eth2", 3, mac(1), pci1));
    bound(0, pci1);
    probed(0, pci1);
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(pci_removed(pci2), IsEmpty());
    EXPECT_THAT(pci_removed(pci1), ElementsAre("withdraw 0 0000:03:00.0")) << "not restored";
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
    const auto unbound = [&](const char *pci) { return event(pci, VfFunctionUnbound{}); };
    EXPECT_THAT(unbound(pci1), IsEmpty()) << "from its own driver, to be bound";
    bound(0, pci1);
    gone(3);
    EXPECT_THAT(unbound(pci2), IsEmpty());
    EXPECT_THAT(unbound(pci1), ElementsAre("withdraw 0 0000:03:00.0")) << "not restored";
    EXPECT_THAT(pci_removed(pci1), IsEmpty());
}

// The removal is read only after the address has passed to another device, which is bound already.
TEST_F(SupervisorTest, ABoundVfWithALateRemovalIsRestoredAndStartsAgain) {
    eth1_with_bound_vf();
    EXPECT_THAT(pci_removed(pci1, true),
                ElementsAre("withdraw 0 0000:03:00.0", "restore 0000:03:00.0"));
    EXPECT_THAT(link(vf("eth2", 4, mac(1), pci1)),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
}

TEST_F(SupervisorTest, TheVfsInUseAreKnownForARescan) {
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

TEST_F(SupervisorTest, AfterFlappingThePortHasThePresentVf) {
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

} // namespace
} // namespace netvsc
