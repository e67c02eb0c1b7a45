// SPDX-License-Identifier: BSD-3-Clause
#include "common/namespace_test.hpp"
#include "common/shell.hpp"
#include "netdev/netdevice_control.hpp"
#include "netlink/link_monitor.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace netvsc {
namespace {

using RxMode = NetdeviceControl::RxMode;

// Runs the function in a thread without this effective capability.
Result<void> without_net_admin(const std::function<Result<void>()> &body) {
    Result<void> result;
    std::thread([&] {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
        ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
        sets[0].effective &= ~(1U << CAP_NET_ADMIN);
        ASSERT_EQ(::syscall(SYS_capset, &header, sets.data()), 0);
        result = body();
    }).join();
    return result;
}

class NetdeviceControlTest : public NamespaceTest {
protected:
    NetdeviceControlTest() : NamespaceTest("ip link add nv0 type veth peer name peer") {}
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped())
            return;
        auto opened = NetdeviceControl::open(static_cast<int>(::if_nametoindex("nv0")));
        ASSERT_TRUE(opened) << opened.error().message();
        control_.emplace(std::move(*opened));
    }

    // /proc/net of this thread's namespace.
    [[nodiscard]] static std::string file(const char *name) {
        std::ifstream stream("/proc/thread-self/net/" + std::string(name));
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] static std::string said_by_ip(const char *name) {
        return said(std::string("ip -d link show dev ") + name);
    }

    // The kernel reports a carrier a little later.
    [[nodiscard]] bool runs(bool wanted) const {
        for (int tries = 0; tries < 1000 && control_->running() != wanted; ++tries)
            ::usleep(10'000);
        return control_->running() == wanted;
    }

    std::optional<NetdeviceControl> control_;
};

TEST_F(NetdeviceControlTest, ANetdeviceThatIsDownGetsAName) {
    ASSERT_TRUE(control_->set_up());
    ASSERT_TRUE(control_->set_down());
    ASSERT_TRUE(control_->set_down()) << "already so";
    EXPECT_THAT(said_by_ip("nv0"), testing::Not(testing::HasSubstr(",UP")));
    ASSERT_TRUE(control_->set_name("data0"));
    EXPECT_EQ(control_->name(), "data0");
    ASSERT_TRUE(control_->set_name("data0")) << "already so";
    EXPECT_EQ(control_->set_name("peer").error().number, EEXIST);
    EXPECT_EQ(control_->set_name("sixteen-letters-").error().number, EINVAL);
    EXPECT_EQ(control_->name(), "data0");
}

TEST_F(NetdeviceControlTest, AnIndexThatNoNetdeviceHasIsAnError) {
    const auto control = NetdeviceControl::open(999'999);
    ASSERT_FALSE(control);
    EXPECT_EQ(control.error().number, ENODEV);
}

TEST_F(NetdeviceControlTest, FollowsARename) {
    ASSERT_EQ(std::system("ip link set nv0 name other"), 0);
    EXPECT_EQ(control_->name(), "other");
    ASSERT_TRUE(control_->set_mtu(1400));
    EXPECT_THAT(said_by_ip("other"), testing::HasSubstr("mtu 1400"));
}

TEST_F(NetdeviceControlTest, TheRightToSetItIsFoundOutWithoutAChange) {
    ASSERT_TRUE(control_->set_mtu(1400));
    EXPECT_TRUE(control_->check_permission());
    EXPECT_THAT(said_by_ip("nv0"), testing::HasSubstr("mtu 1400"));
    // Removes CAP_NET_ADMIN from the effective set. Each thread has its own set.
    const auto refused = without_net_admin([&] { return control_->check_permission(); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().number, EPERM);
}

TEST_F(NetdeviceControlTest, RunsOnceItIsUpAndHasACarrier) {
    EXPECT_EQ(control_->running(), false);
    ASSERT_TRUE(control_->set_up());
    ASSERT_TRUE(control_->set_up()) << "already so";
    EXPECT_TRUE(runs(false)) << "the other end is down";
    ASSERT_EQ(std::system("ip link set peer up"), 0);
    EXPECT_TRUE(runs(true));
}

TEST_F(NetdeviceControlTest, AnMtuThatIsRefusedIsAnError) {
    const auto done = control_->set_mtu(20);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().number, EINVAL);
}

TEST_F(NetdeviceControlTest, ReportsChannelsForReceivingOnly) {
    ASSERT_EQ(std::system("ip link add three numrxqueues 3 type veth peer name three-peer &&"
                          " ethtool -L three rx 2 >/dev/null 2>&1"),
              0);
    const auto three = NetdeviceControl::open(static_cast<int>(::if_nametoindex("three")));
    ASSERT_TRUE(three);
    EXPECT_EQ(three->channels(), (NetdeviceControl::Channels{.rx = 2}));
    const auto set = three->set_combined_channels(2);
    ASSERT_FALSE(set) << "it has none that are combined";
    EXPECT_THAT(set.error().context, testing::HasSubstr("set 2 combined channels of netdevice"));
}

TEST_F(NetdeviceControlTest, ANetdeviceWithoutChannelsHasNone) {
    const auto loopback = NetdeviceControl::open(static_cast<int>(::if_nametoindex("lo")));
    ASSERT_TRUE(loopback);
    EXPECT_EQ(loopback->channels(), NetdeviceControl::Channels{});
    const auto set = loopback->set_combined_channels(1);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().number, EOPNOTSUPP);
}

TEST_F(NetdeviceControlTest, SetsTheMacAddress) {
    ASSERT_TRUE(control_->set_mac({{0x00, 0x15, 0x5d, 0x01, 0x02, 0x03}}));
    EXPECT_THAT(said_by_ip("nv0"), testing::HasSubstr("00:15:5d:01:02:03"));
}

// veth accepts an address while it is up, unlike hv_netvsc. So the test watches for the kernel's
// notification of a change.
TEST_F(NetdeviceControlTest, DoesNotSetAMacAddressThatIsSet) {
    const MacAddress mac{{0x00, 0x15, 0x5d, 0x01, 0x02, 0x03}};
    ASSERT_TRUE(control_->set_mac(mac));
    auto monitor = LinkMonitor::open();
    ASSERT_TRUE(monitor);
    const auto ignore = [](const NetlinkEvent & /*event*/) {};
    ASSERT_TRUE(monitor->read_until_dumped(ignore, std::chrono::seconds(10)));
    int messages = 0;
    const auto count = [&](const NetlinkEvent &event) {
        messages += std::holds_alternative<LinkMessage>(event) ? 1 : 0;
    };
    ASSERT_TRUE(control_->set_mac(mac));
    ASSERT_TRUE(monitor->read(count));
    EXPECT_EQ(messages, 0);
    ASSERT_TRUE(control_->set_mac({{0x00, 0x15, 0x5d, 0x01, 0x02, 0x04}}));
    ASSERT_TRUE(monitor->read(count));
    EXPECT_GT(messages, 0) << "a change is notified before the call returns";
}

TEST_F(NetdeviceControlTest, NamesTheKernelDriver) {
    EXPECT_EQ(control_->driver(), "veth");
    const auto loopback = NetdeviceControl::open(static_cast<int>(::if_nametoindex("lo")));
    ASSERT_TRUE(loopback);
    const auto none = loopback->driver();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().number, EOPNOTSUPP);
}

TEST_F(NetdeviceControlTest, SetsNoLroThatTheNetdeviceHasNot) {
    EXPECT_EQ(control_->lro(), false);
    const auto set = control_->set_lro(true);
    ASSERT_FALSE(set);
    EXPECT_THAT(set.error().context, testing::HasSubstr("set LRO of netdevice"));
    EXPECT_TRUE(control_->set_lro(false)) << "already so";
}

TEST_F(NetdeviceControlTest, RxModesEndWithTheObjectHoweverOftenTheyWereSet) {
    ASSERT_TRUE(control_->set_rx_mode(RxMode::promiscuous, true));
    ASSERT_TRUE(control_->set_rx_mode(RxMode::promiscuous, true));
    ASSERT_TRUE(control_->set_rx_mode(RxMode::all_multicast, true));
    EXPECT_THAT(said_by_ip("nv0"), testing::AllOf(testing::HasSubstr("promiscuity 1"),
                                                  testing::HasSubstr("allmulti 1")));
    ASSERT_TRUE(control_->set_rx_mode(RxMode::promiscuous, false));
    EXPECT_THAT(said_by_ip("nv0"), testing::HasSubstr("promiscuity 0"));
    control_.reset();
    EXPECT_THAT(said_by_ip("nv0"), testing::HasSubstr("allmulti 0"));
}

TEST_F(NetdeviceControlTest, MulticastAddressesReplaceThoseBefore) {
    const MacAddress first{{0x01, 0x00, 0x5e, 0, 0, 0x11}}, second{{0x01, 0x00, 0x5e, 0, 0, 0x22}};
    ASSERT_TRUE(control_->set_multicast(std::array{first}));
    ASSERT_TRUE(control_->set_multicast(std::array{first, second}));
    EXPECT_THAT(file("dev_mcast"), testing::AllOf(testing::HasSubstr("01005e000011"),
                                                  testing::HasSubstr("01005e000022")));
    ASSERT_TRUE(control_->set_multicast(std::array{second}));
    EXPECT_THAT(file("dev_mcast"), testing::Not(testing::HasSubstr("01005e000011")));
    const MacAddress unicast{{0x00, 0x15, 0x5d, 0, 0, 1}};
    if (control_->set_multicast(std::array{first, unicast})) {
        control_.reset();
    } else {
        EXPECT_THAT(file("dev_mcast"), testing::Not(testing::HasSubstr("01005e000011")))
            << "all or nothing";
    }
    control_.reset();
    EXPECT_THAT(file("dev_mcast"), testing::Not(testing::HasSubstr("01005e000022")));
}

} // namespace
} // namespace netvsc
