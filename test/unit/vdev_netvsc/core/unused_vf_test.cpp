// SPDX-License-Identifier: BSD-3-Clause
//
// A port that has a VF and uses its fallback.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

class UnusedVfTest : public SupervisorTest {
protected:
    /// As the driver after each input.
    void note() { supervisor_.note_unused_vfs(now_); }
    void pass(std::chrono::milliseconds time) {
        now_ += time;
        note();
        texts(supervisor_.elapsed(now_));
    }
    [[nodiscard]] VfUnused reason() const { return port(0).vf_unused; }
    /// Port 0 over eth1, which is up.
    void eth1_up() {
        Link netvsc = netvsc_link("eth1", 2, mac(1));
        netvsc.message.flags = IFF_UP;
        link(netvsc);
        instance(0, "iface=eth1");
        created(0);
        events_.clear();
        messages_.clear();
    }
};

TEST_F(UnusedVfTest, NoneIsReportedOfAVfThatIsAttachedSoon) {
    eth1_attached_with_vf();
    events_.clear();
    pass(1h);
    EXPECT_EQ(reason(), VfUnused::no);
    EXPECT_EQ(port(0).vf_unused_since, std::nullopt);
    EXPECT_THAT(events_, IsEmpty());
    EXPECT_TRUE(idle());
}

TEST_F(UnusedVfTest, IsReportedOnceAfterTenSecondsWithItsReason) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    note();
    EXPECT_EQ(reason(), VfUnused::attaching);
    const TimePoint since = now_;
    pass(1s);
    probed(0, pci1, ENODEV);
    note();
    EXPECT_EQ(reason(), VfUnused::probe_failed);
    EXPECT_EQ(port(0).vf_unused_since, since);
    events_.clear();
    messages_.clear();
    now_ = since + 10s - 1us;
    pass(0s);
    EXPECT_THAT(events_, IsEmpty());
    now_ = since + 10s;
    pass(0s);
    EXPECT_THAT(events_, ElementsAre("event vf_unused 0 0000:03:00.0 probe_failed"));
    EXPECT_THAT(messages_, Contains(is_message(Level::warning, "unused for 10 s (probe failed)")));
    pass(1h);
    EXPECT_THAT(events_, SizeIs(1));
}

TEST_F(UnusedVfTest, ItsEndIsReported) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    probed(0, pci1);
    note();
    pass(10s);
    events_.clear();
    checked(0, pci1, true);
    note();
    EXPECT_EQ(reason(), VfUnused::no);
    EXPECT_EQ(port(0).vf_unused_since, std::nullopt);
    EXPECT_FALSE(idle());
    pass(0s);
    EXPECT_THAT(events_, ElementsAre("event vf_attached 0 0000:03:00.0",
                                     "event vf_unused_end 0 0000:03:00.0"));
    EXPECT_TRUE(idle());
    // A second one has its own beginning.
    vf_closed(pci1);
    note();
    EXPECT_EQ(reason(), VfUnused::detached);
    EXPECT_EQ(port(0).vf_unused_since, now_);
}

TEST_F(UnusedVfTest, NothingIsReportedIfItEndsEarlier) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    note();
    now_ += 9s;
    gone(3);
    note();
    events_.clear();
    pass(1h);
    EXPECT_THAT(events_, IsEmpty());
    EXPECT_EQ(port(0).vf_unused_since, std::nullopt);
}

TEST_F(UnusedVfTest, ReasonHeld) {
    eth1_attached_with_vf();
    texts(supervisor_.hold_vf(0, true));
    note();
    EXPECT_EQ(reason(), VfUnused::held);
    events_.clear();
    pass(10s);
    EXPECT_THAT(events_, ElementsAre("event vf_unused 0 0000:03:00.0 held"));
    gone(3); // no VF that could be used
    pass(0s);
    EXPECT_EQ(reason(), VfUnused::no);
    EXPECT_EQ(events_.back(), "event vf_unused_end 0 0000:03:00.0");
}

TEST_F(UnusedVfTest, ReasonNoCarrier) {
    eth1_up();
    Link joined = vf("eth2", 3, mac(1), pci1);
    joined.message.flags = IFF_SLAVE | IFF_UP;
    link(joined);
    note();
    EXPECT_EQ(reason(), VfUnused::no_carrier);
    pass(10s);
    EXPECT_THAT(events_, ElementsAre("event vf_unused 0 0000:03:00.0 no_carrier"));
    joined.message.carrier = true;
    link(joined);
    note();
    EXPECT_EQ(reason(), VfUnused::attaching);
}

TEST_F(UnusedVfTest, ReasonsOfVfBind) {
    link(netvsc_link("eth1", 2, mac(1)));
    instance(0, "iface=eth1,vf_bind=vfio-pci");
    created(0);
    routed(3);
    link(vf("eth2", 3, mac(1), pci1));
    note();
    EXPECT_EQ(reason(), VfUnused::has_address);
    routed(3, false);
    bind_failed(0, pci1);
    note();
    EXPECT_EQ(reason(), VfUnused::bind_failed);
}

TEST_F(UnusedVfTest, ReasonApplication) {
    eth1_attached();
    link(vf("eth2", 3, mac(1), pci1));
    outcome(0, id(pci1), VfHeldBack{});
    note();
    EXPECT_EQ(reason(), VfUnused::application);
    elapse();
    probed(0, pci1);
    note();
    EXPECT_EQ(reason(), VfUnused::attaching);
    vf_closed(pci1, true);
    note();
    EXPECT_EQ(reason(), VfUnused::application);
}

TEST_F(UnusedVfTest, AVfOfAnotherPortIsNotThisOnes) {
    eth1_attached_with_vf();
    link(netvsc_link("eth5", 5, mac(1)));
    instance(1, "iface=eth5");
    created(1);
    note();
    EXPECT_EQ(port(1).vf_unused, VfUnused::no);
}

} // namespace
} // namespace netvsc
