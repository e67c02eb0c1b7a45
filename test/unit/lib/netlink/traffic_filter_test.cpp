// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/netlink_request.hpp"
#include "netlink/traffic_filter.hpp"

#include <gtest/gtest.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

namespace netvsc {
namespace {

constexpr int ifindex = 7;

/// The kernel's report of one filter.
struct Report {
    std::uint32_t priority = filter_priority;
    std::string kind = "matchall";
    std::string action = "mirred";
    std::string cookie{filter_cookie};
    std::uint32_t target = 9; ///< ifindex; 0: removed
    std::uint32_t handle = 1;

    [[nodiscard]] std::optional<TrafficFilter> parse(int wanted = ifindex) const {
        NetlinkRequest<tcmsg> message(RTM_NEWTFILTER, 0);
        message.family_header().tcm_ifindex = ifindex;
        message.family_header().tcm_handle = handle;
        message.family_header().tcm_info = priority << 16;
        message.put_string(TCA_KIND, kind);
        message.put_nested(TCA_OPTIONS, [&] {
            message.put_nested(actions_attribute(kind).value_or(1),
                               [&] { message.put_nested(1, [&] { put_action(message); }); });
        });
        return parse_filter(message.header(), wanted);
    }

private:
    void put_action(NetlinkRequest<tcmsg> &message) const {
        message.put_string(TCA_ACT_KIND, action);
        if (!cookie.empty())
            message.put_bytes(TCA_ACT_COOKIE, cookie);
        message.put_nested(TCA_ACT_OPTIONS, [&] {
            tc_mirred parameters{};
            parameters.ifindex = target;
            message.put_value(TCA_MIRRED_PARMS, parameters);
        });
    }
};

TEST(TrafficFilter, OfTheDriverIsRecognised) {
    EXPECT_EQ(Report{}.parse(), (TrafficFilter{.handle = 1,
                                               .priority_and_protocol = filter_priority << 16,
                                               .kind = "matchall",
                                               .ours = true,
                                               .dead = false}));
    EXPECT_TRUE(Report{.kind = "flower"}.parse()->ours);
}

TEST(TrafficFilter, OfSomebodyElseIsNotOurs) {
    EXPECT_FALSE(Report{.priority = 1}.parse()->ours);
    EXPECT_FALSE(Report{.cookie = ""}.parse()->ours);
    EXPECT_FALSE(Report{.cookie = "net_vdev_netvsc2"}.parse()->ours);
    EXPECT_FALSE(Report{.cookie = "net_vdev"}.parse()->ours);
}

TEST(TrafficFilter, ThatRedirectsToARemovedNetdeviceIsDead) {
    EXPECT_TRUE(Report{.target = 0}.parse()->dead);
    EXPECT_TRUE((Report{.priority = 1, .cookie = "", .target = 0}.parse()->dead));
    EXPECT_FALSE((Report{.action = "skbedit", .target = 0}.parse()->dead));
}

TEST(TrafficFilter, OfAnUnknownClassifierIsNeitherOursNorDead) {
    const auto filter = Report{.kind = "u32", .target = 0}.parse();
    ASSERT_TRUE(filter);
    EXPECT_EQ(filter->kind, "u32");
    EXPECT_FALSE(filter->ours || filter->dead);
}

TEST(TrafficFilter, OfAnotherNetdeviceOrAClassifiersOwnEntryIsIgnored) {
    EXPECT_FALSE(Report{}.parse(ifindex + 1));
    EXPECT_FALSE(Report{.handle = 0}.parse());
}

TEST(TrafficFilter, WithMalformedOptionsIsNeitherOursNorDead) {
    NetlinkRequest<tcmsg> message(RTM_NEWTFILTER, 0);
    message.family_header().tcm_ifindex = ifindex;
    message.family_header().tcm_handle = 1;
    message.family_header().tcm_info = filter_priority << 16;
    message.put_string(TCA_KIND, "matchall");
    message.put_bytes(TCA_OPTIONS, "abc");
    const auto filter = parse_filter(message.header(), ifindex);
    ASSERT_TRUE(filter);
    EXPECT_FALSE(filter->ours || filter->dead);
}

} // namespace
} // namespace netvsc
