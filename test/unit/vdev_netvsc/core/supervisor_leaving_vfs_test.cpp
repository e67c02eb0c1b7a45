// SPDX-License-Identifier: BSD-3-Clause
//
// A VF that is withdrawn before the kernel reports the removal of its netdevice.

#include "supervisor_scenario.hpp"

namespace netvsc {
namespace {

Link up(Link link, bool is_up = true) {
    link.message.flags = is_up ? IFF_UP : 0;
    return link;
}

class LeavingVf : public SupervisorTest {
protected:
    const Link vf_ = vf("eth2", 3, mac(1), pci1);
    const Link down_ = up(vf_, false);

    void SetUp() override {
        eth1_attached();
        link(up(vf_));
        probed(0, pci1);
    }
    Texts leaving(int ifindex) { return texts(supervisor_.link_leaving(ifindex)); }
};

TEST_F(LeavingVf, ItsFunctionMustBeCheckedWhenItGoesDown) {
    EXPECT_EQ(supervisor_.may_be_leaving(down_.message), PciAddress::parse(pci1));
    EXPECT_EQ(supervisor_.may_be_leaving(up(vf_).message), std::nullopt) << "it stays up";
    EXPECT_THAT(link(down_), IsEmpty()) << "only down, after all";
    EXPECT_EQ(supervisor_.may_be_leaving(down_.message), std::nullopt) << "it was down before";
    EXPECT_EQ(supervisor_.may_be_leaving(up(vf("eth3", 4, mac(2), pci2), false).message),
              std::nullopt)
        << "not known";
    link(up(netvsc_link("eth1", 2, mac(1))));
    EXPECT_EQ(supervisor_.may_be_leaving(netvsc_link("eth1", 2, mac(1)).message), std::nullopt)
        << "not a VF";
}

TEST_F(LeavingVf, IsWithdrawnAtOnce) {
    EXPECT_THAT(leaving(3), ElementsAre("withdraw 0 0000:03:00.0"));
    EXPECT_THAT(gone(3), IsEmpty()) << "known by then";
    EXPECT_THAT(link(up(vf_)), ElementsAre("announce 0 0000:03:00.0")) << "back by the same index";
}

TEST_F(LeavingVf, IsIgnoredUntilItsRemoval) {
    leaving(3);
    EXPECT_THAT(link(down_), IsEmpty());
    EXPECT_EQ(supervisor_.links().find(3), nullptr);
    EXPECT_THAT(link(up(vf("eth2", 4, mac(1), pci1))), ElementsAre("announce 0 0000:03:00.0"))
        << "another netdevice is";
}

TEST_F(LeavingVf, IsNotSearchedInADump) {
    supervisor_.begin_listing();
    EXPECT_EQ(supervisor_.may_be_leaving(software("vlan0", 3, mac(5)).message), std::nullopt)
        << "may be another by the same index";
}

TEST_F(LeavingVf, IsReadInADump) {
    leaving(3); // and RTM_DELLINK was lost, as was that it came back
    supervisor_.begin_listing();
    link(netvsc_link("eth1", 2, mac(1)));
    EXPECT_THAT(link(up(vf_)), ElementsAre("announce 0 0000:03:00.0"));
    EXPECT_THAT(texts(supervisor_.end_listing(now_)), IsEmpty());
}

} // namespace
} // namespace netvsc
