// SPDX-License-Identifier: BSD-3-Clause
//
// Events for applications.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

// ---- Events.

TEST_F(SupervisorTest, ReportsOfAPortAndItsVf) {
    eth1_attached_with_vf();
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0",
                                     "event vf_attached 0 0000:03:00.0"));
    events_.clear();
    gone(3);
    EXPECT_THAT(events_, ElementsAre("event vf_removed 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, ReportsAnEarlierVfAfterItsPort) {
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

TEST_F(SupervisorTest, ReportsOfAVfThatFailedWhileItsPortWasMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1, ENODEV);
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0",
                                     "event vf_failed 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, ReportsNothingOfAVfRemovedDuringThePortsCreation) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    vf_port_remains_ = true;
    pci_removed(pci1);
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0"));
}

TEST_F(SupervisorTest, ReportsAVfReleasedDuringThePortsCreationAfterThePort) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    bound(0, pci1);
    vf_port_remains_ = true;
    event(pci1, VfReleaseRequested{});
    now_ += 1s;
    EXPECT_THAT(outcome(0, id(pci1), VfWithdrawn{}),
                ElementsAre("announce 0 0000:03:00.0 bind vfio-pci"));
    EXPECT_THAT(events_, IsEmpty());
    created(0);
    EXPECT_THAT(events_, ElementsAre("event port_added 0", "event vf_present 0 0000:03:00.0"));
}

TEST_F(SupervisorTest, ReportsNothingOfAPortThatIsNotMade) {
    link(netvsc_link("eth1", 2, mac(1)));
    link(vf("eth2", 3, mac(1), pci1));
    instance(0, "iface=eth1");
    probed(0, pci1);
    failed(0, EIO);
    gone(2);
    EXPECT_THAT(events_, IsEmpty());
}

TEST_F(SupervisorTest, ReportsNothingOfAPortWhoseInstanceWasRemoved) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1");
    remove_instance(0);
    EXPECT_THAT(created(0), ElementsAre("destroy 0"));
    closed(0);
    EXPECT_THAT(events_, IsEmpty());
}

// ---- Links.

TEST_F(SupervisorTest, RefreshesTheLinkWhenACarrierChanges) {
    eth1_attached_with_vf();
    const auto refreshed = [&](Link changed) {
        return std::ranges::count_if(supervisor_.link(changed.message, changed.facts).traffic,
                                     [](const TrafficCommand &command) {
                                         return std::holds_alternative<RefreshLink>(command);
                                     });
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
