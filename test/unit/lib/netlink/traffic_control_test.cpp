// SPDX-License-Identifier: BSD-3-Clause
#include "common/namespace_test.hpp"
#include "common/shell.hpp"
#include "netlink/traffic_control.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

namespace netvsc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

int index_of(const char *name) { return static_cast<int>(::if_nametoindex(name)); }

class TrafficControlTest : public NamespaceTest {
protected:
    TrafficControlTest()
        : NamespaceTest("ip link add one type veth peer name one_peer && "
                        "ip link add two type veth peer name two_peer") {}
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped())
            return;
        if (!works("tc qdisc add dev one clsact && tc filter add dev one ingress matchall action "
                   "mirred egress redirect dev two && tc qdisc del dev one clsact"))
            GTEST_SKIP() << "no tc(8), or no clsact, matchall or mirred in this kernel";
        auto opened = TrafficControl::open();
        ASSERT_TRUE(opened) << opened.error().message();
        control_.emplace(std::move(*opened));
    }

    /// What tc(8) shows at a netdevice's ingress.
    [[nodiscard]] static std::string at(const std::string &name) {
        return said("tc qdisc show dev " + name + " ingress; tc filter show dev " + name +
                    " ingress");
    }
    void redirect() {
        const auto made = control_->redirect(index_of("one"), index_of("two"));
        ASSERT_TRUE(made) << made.error().message();
    }

    std::optional<TrafficControl> control_;
};

TEST_F(TrafficControlTest, RedirectsAndTakesItBackWithItsDiscipline) {
    redirect();
    EXPECT_THAT(at("one"), AllOf(HasSubstr("clsact"), HasSubstr("matchall"),
                                 HasSubstr("Egress Redirect to device two")));
    ASSERT_TRUE(control_->remove_redirect(index_of("one")));
    EXPECT_THAT(at("one"), IsEmpty());
    EXPECT_TRUE(control_->remove_redirect(index_of("one"))) << "there is nothing any more";
}

TEST_F(TrafficControlTest, ASecondRedirectionReplacesTheFirst) {
    redirect();
    ASSERT_TRUE(control_->redirect(index_of("one"), index_of("two_peer")));
    EXPECT_THAT(at("one"), AllOf(HasSubstr("to device two_peer"), Not(HasSubstr("device two)"))));
}

TEST_F(TrafficControlTest, SpreadsSentFramesOverTheQueuesUntilTheNextRequest) {
    for (const std::uint16_t queues : std::to_array<std::uint16_t>({3, 1, 2})) {
        const auto spread = control_->spread(index_of("one"), queues);
        ASSERT_TRUE(spread) << spread.error().message();
    }
    const auto filters = said("tc filter show dev one egress");
    EXPECT_THAT(filters, AllOf(HasSubstr("skbedit"), HasSubstr("queue_mapping")));
    EXPECT_EQ(filters.find("skbedit"), filters.rfind("skbedit")) << filters;
}

TEST_F(TrafficControlTest, LeavesWhatOthersHaveMade) {
    ASSERT_TRUE(
        works("tc qdisc add dev one clsact && tc filter add dev one ingress pref 7 matchall "
              "action mirred egress redirect dev one_peer"));
    redirect();
    ASSERT_TRUE(control_->remove_redirect(index_of("one")));
    EXPECT_THAT(at("one"), AllOf(HasSubstr("clsact"), HasSubstr("to device one_peer"),
                                 Not(HasSubstr("to device two"))));
    EXPECT_EQ(control_->remove_dead_redirects(index_of("one")), 0);
}

TEST_F(TrafficControlTest, WorksWithinAnIngressDisciplineOfAnother) {
    ASSERT_TRUE(works("tc qdisc add dev one ingress"));
    redirect();
    EXPECT_THAT(at("one"), HasSubstr("to device two"));
}

TEST_F(TrafficControlTest, RemovesFiltersThatRedirectToARemovedNetdevice) {
    redirect();
    ASSERT_TRUE(
        works("tc filter add dev one ingress pref 7 matchall action mirred egress redirect "
              "dev one_peer && ip link add gone type veth peer name gone_peer && tc filter add "
              "dev one ingress pref 8 matchall action mirred egress redirect dev gone"));
    EXPECT_EQ(control_->remove_dead_redirects(index_of("one")), 0);
    ASSERT_TRUE(works("ip link del gone; ip link del two"));
    EXPECT_EQ(control_->remove_dead_redirects(index_of("one")), 2);
    EXPECT_THAT(at("one"), AllOf(HasSubstr("to device one_peer"), Not(HasSubstr("pref 8"))));
}

TEST_F(TrafficControlTest, ARemovedNetdeviceIsAnErrorThatNamesIt) {
    const auto made = control_->redirect(999'999, index_of("two"));
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message(), HasSubstr("redirect netdevice 999999 to"));
}

TEST_F(TrafficControlTest, KnowsWhatTheKernelHas) {
    const int one = index_of("one");
    EXPECT_EQ(control_->has_discipline(one, "clsact"), true);
    EXPECT_EQ(control_->has_discipline(one, "clsact"), true) << "it exists now";
    EXPECT_EQ(control_->has_discipline(one, "nosuchkind"), false);
    EXPECT_EQ(control_->has_classifier(one, "matchall"), true);
    EXPECT_EQ(control_->has_classifier(one, "nosuchkind"), false);
    EXPECT_EQ(control_->has_action(one, "matchall", "mirred"), true);
    EXPECT_EQ(control_->has_action(one, "matchall", "nosuchkind"), false);
}

} // namespace
} // namespace netvsc
