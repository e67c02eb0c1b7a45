// SPDX-License-Identifier: BSD-3-Clause
//
// EAL's own hot-plug and vdev bus, with DPDK's net_null, which refuses arguments that it does not
// know.
#include "common/eal.hpp"
#include "dpdk/dpdk_compat.hpp"
#include "dpdk/hotplug.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

namespace netvsc::test {
namespace {

class Eal : public testing::Environment {
public:
    void SetUp() override { ASSERT_GE(start_eal(), 0); }
    void TearDown() override { rte_eal_cleanup(); }
};
const auto *const eal = testing::AddGlobalTestEnvironment(new Eal);

std::string long_arguments(const std::string &last) {
    std::string text;
    for (int time = 0; time < 20; ++time)
        text += "size=64,";
    return text + last;
}

// An argument that net_null refuses shows that it reads what comes last.
void expect_arguments_reach(const char *name, const std::string &good, const std::string &bad) {
    EXPECT_LT(hotplug_add("vdev", name, bad), 0);
    ASSERT_EQ(hotplug_add("vdev", name, good), 0);
    const rte_device *device = find_device("vdev", name);
    ASSERT_NE(device, nullptr);
    EXPECT_STREQ(rte_dev_devargs(device)->args, good.c_str());
    std::uint16_t port = 0;
    EXPECT_EQ(rte_eth_dev_get_port_by_name(name, &port), 0);
    EXPECT_EQ(rte_eal_hotplug_remove("vdev", name), 0);
}

TEST(Hotplug, ShortArgumentsReachTheDriver) {
    expect_arguments_reach("net_null0", "size=64,no-rx=1", "size=64,unknown=1");
}

TEST(Hotplug, LongArgumentsReachTheDriver) {
    expect_arguments_reach("net_null1", long_arguments("no-rx=1"), long_arguments("unknown=1"));
    // Of this device alone.
    expect_arguments_reach("net_null1", "no-rx=1", "unknown=1");
}

TEST(Hotplug, AllDevicesOfABusAreNamed) {
    ASSERT_EQ(hotplug_add("vdev", "net_null3", ""), 0);
    ASSERT_EQ(hotplug_add("vdev", "net_null4", ""), 0);
    const auto names = device_names("vdev");
    for (const char *name : {"net_null3", "net_null4"}) {
        EXPECT_NE(std::ranges::find(names, name), names.end());
        EXPECT_EQ(rte_eal_hotplug_remove("vdev", name), 0);
    }
}

} // namespace
} // namespace netvsc::test
