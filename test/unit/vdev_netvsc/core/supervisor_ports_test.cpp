// SPDX-License-Identifier: BSD-3-Clause
//
// Creation, changes and end of ports.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

// ---- Creation.

TEST_F(SupervisorTest, ANumberThatSomethingStillCarriesIsLeftOut) {
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
    EXPECT_THAT(failed(0, EEXIST), ElementsAre("create 1 eth1"));
    EXPECT_THAT(failed(1, EEXIST), ElementsAre("create 2 eth1"));
    created(2);
    EXPECT_EQ(port(2).ifindex, 2);
    EXPECT_EQ(ports(), 1U);
    EXPECT_THAT(gone(2), ElementsAre("raise removal on 2"));
}

TEST_F(SupervisorTest, APortThatCannotBeMadeIsTriedAgainLaterAndLaterWithFewMessages) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s}) {
        EXPECT_THAT(failed(0, ENOMEM), IsEmpty());
        EXPECT_THAT(messages(), ElementsAre(is_message(
                                    Level::error,
                                    "retrying in " + std::to_string(expected.count()) + "000 ms")));
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

TEST_F(SupervisorTest, APortIsNotTriedAgainWhenItsNetdeviceOrInstanceIsRemoved) {
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

TEST_F(SupervisorTest, TheVfOfAFailedPortIsReleased) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1 vf 0000:03:00.0"));
    probed(0, pci1);
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0"));
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(elapse(), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, TheVfOfAFailedPortIsReleasedWhenTheInstanceIsRemovedToo) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1);
    EXPECT_THAT(remove_instance(0), IsEmpty());
    EXPECT_THAT(failed(0, ENOMEM), ElementsAre("release 0000:03:00.0"));
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, TheVfOfANetvscRemovedDuringThePortsCreationIsWithdrawnAfterwards) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    // Not earlier: the thread that creates the port may not have probed the VF yet.
    EXPECT_THAT(gone(2), IsEmpty());
    probed(0, pci1);
    EXPECT_THAT(created(0), ElementsAre("withdraw 0 0000:03:00.0", "raise removal on 0"));
}

// ---- Changes.

TEST_F(SupervisorTest, ARenameIsFollowed) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(netvsc_link("wan", 2, mac(1))), IsEmpty());
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::info, "netdevice eth1 is now wan")));
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

TEST_F(SupervisorTest, ARemovedNetvscIsReportedAndItsPortKeptUntilClosed) {
    eth1_attached_with_vf();
    EXPECT_THAT(gone(2), ElementsAre("withdraw 0 0000:03:00.0", "raise removal on 0"));
    EXPECT_THAT(messages(), ElementsAre(is_message(Level::notice, "VF 0000:03:00.0 removed"),
                                        is_message(Level::notice, "netdevice eth1 removed")));
    EXPECT_EQ(port(0).ifindex, 0);
    EXPECT_TRUE(idle());
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, AReturnedNetvscIsANewPortWithANewNumber) {
    eth1_attached();
    gone(2);
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 1 eth1"));
    created(1);
    closed(0);
    gone(2);
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, ANetvscRemovedDuringThePortsCreationIsReportedAfterwards) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(created(0), ElementsAre("raise removal on 0"));
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, ANetvscRemovedWhileItsPortCannotBeCreatedLeavesNothing) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    gone(2);
    EXPECT_THAT(failed(0, EEXIST), IsEmpty());
    EXPECT_EQ(ports(), 0U);
    EXPECT_TRUE(idle());
}

TEST_F(SupervisorTest, AnIndexThatPassesToAnotherKindOfNetdeviceIsARemovedNetvsc) {
    eth1_attached_with_vf();
    EXPECT_THAT(link(ethernet("eth1", 2, mac(1))),
                ElementsAre("withdraw 0 0000:03:00.0", "raise removal on 0"));
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

TEST_F(SupervisorTest, APortThatTheApplicationClosesDuringItsCreationIsRemoved) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_THAT(created(0), IsEmpty());
    EXPECT_EQ(ports(), 0U);
}

TEST_F(SupervisorTest, OutcomesOfAMissingPortAreIgnored) {
    EXPECT_THAT(created(5), IsEmpty());
    EXPECT_THAT(failed(5, EEXIST), IsEmpty());
    EXPECT_THAT(closed(5), IsEmpty());
}

// ---- Removed instances.

TEST_F(SupervisorTest, ARemovedInstanceTakesItsPortsWithIt) {
    eth1_attached_with_vf();
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_TRUE(idle());
    EXPECT_EQ(ports(), 1U) << "until it is closed";
    EXPECT_THAT(gone(3), IsEmpty());
    EXPECT_THAT(closed(0), ElementsAre("release 0000:03:00.0"));
    EXPECT_EQ(ports(), 0U);
    EXPECT_FALSE(supervisor_.has_instances());
}

TEST_F(SupervisorTest, ARemovedInstanceTakesPortsWhoseNetvscWasRemovedToo) {
    eth1_attached();
    gone(2);
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), IsEmpty());
}

TEST_F(SupervisorTest, APortInCreationForARemovedInstanceIsDestroyedAfterwards) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    EXPECT_THAT(remove_instance(0), IsEmpty());
    EXPECT_THAT(created(0), ElementsAre("destroy 0"));
    EXPECT_THAT(closed(0), IsEmpty());
}

TEST_F(SupervisorTest, APortThatCannotBeCreatedForARemovedInstanceIsNotTriedAgain) {
    for (const int error : {EEXIST, ENOMEM}) {
        link(netvsc_link("eth1", 2, mac(1)));
        instance(0, "iface=eth1");
        remove_instance(0);
        EXPECT_THAT(failed(0, error), IsEmpty());
        EXPECT_EQ(ports(), 0U);
        EXPECT_TRUE(idle());
    }
}

TEST_F(SupervisorTest, ANumberIsNotUsedAgainBeforeItsPortIsClosed) {
    eth1_attached();
    EXPECT_THAT(remove_instance(0), ElementsAre("destroy 0"));
    EXPECT_THAT(instance(1, "iface=eth1"), ElementsAre("create 1 eth1"));
    created(1);
    EXPECT_THAT(closed(0), IsEmpty());
    EXPECT_EQ(port(1).ifindex, 2);
    EXPECT_THAT(gone(2), ElementsAre("raise removal on 1"));
}

// ---- Listings.

TEST_F(SupervisorTest, InAListingWhetherANetvscIsRoutedIsKnownAtItsEnd) {
    instance(0, "");
    supervisor_.begin_listing();
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(link(netvsc_link("eth2", 3, mac(2))), IsEmpty());
    routed(2);
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), ElementsAre("create 0 eth2"));
}

TEST_F(SupervisorTest, AnInstanceAddedWithinAListingWaitsForItsEnd) {
    link(netvsc_link("eth1", 2, mac(1)));
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(instance(0, ""), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), ElementsAre("create 0 eth1"));
}

TEST_F(SupervisorTest, AListingThatChangesNothingDoesNothing) {
    eth1_attached_with_vf();
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), IsEmpty());
    EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(SupervisorTest, ANetdeviceThatADumpDoesNotNameIsRemoved) {
    eth1_attached_with_vf();
    supervisor_.begin_listing();
    EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), ElementsAre("withdraw 0 0000:03:00.0"));
    supervisor_.begin_listing();
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), ElementsAre("raise removal on 0"));
    EXPECT_EQ(supervisor_.links().size(), 0U);
}

TEST_F(SupervisorTest, AListingOvertakenByARemovalEndsWithoutIt) {
    instance(0, "");
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(gone(2), IsEmpty());
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), IsEmpty());
}

// A NetVSC known before, routed at the start, is not new because it is listed again.
TEST_F(SupervisorTest, AListingDoesNotMakeAnOldNetvscNew) {
    link(netvsc_link("eth1", 2, mac(1)));
    routed(2);
    instance(0, "");
    supervisor_.begin_listing();
    link(netvsc_link("wan", 2, mac(1)));
    routed(2);
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), IsEmpty());
    EXPECT_TRUE(idle());
}

} // namespace
} // namespace netvsc
