// SPDX-License-Identifier: BSD-3-Clause
//
// The driver in a process with EAL, over devices that do not exist.

#include "common/eal.hpp"
#include "common/namespace_test.hpp"
#include "recording_devices.hpp"
#include "runtime/driver.hpp"

#include <future>
#include <gtest/gtest.h>

#include <bus_vdev_driver.h>
#include <rte_devargs.h>

namespace {

/// What the driver does while it registers its callbacks.
std::function<void()> while_registering;

} // namespace

// Replaces ethdev's function, which only adds to a list.
extern "C" int rte_eth_dev_callback_register(std::uint16_t /*port*/, rte_eth_event_type /*event*/,
                                             rte_eth_dev_cb_fn /*callback*/, void * /*argument*/) {
    if (while_registering)
        while_registering();
    return 0;
}

namespace netvsc::test {
namespace {

class Eal : public testing::Environment {
public:
    void SetUp() override { ASSERT_GE(start_eal(), 0); }
    void TearDown() override { rte_eal_cleanup(); }
};
const auto *const eal = testing::AddGlobalTestEnvironment(new Eal);

class DriverTest : public NamespaceTest {
protected:
    DriverTest() : NamespaceTest("true") {}

    int probe(const char *arguments) {
        device_.device.name = "net_vdev_netvsc0";
        device_.device.devargs = &devargs_;
        devargs_.args = arguments;
        return driver_.probe(device_);
    }
    void remove() { driver_.remove("net_vdev_netvsc0", nullptr); }

    RecordingDevices devices_;
    Driver driver_{devices_};
    rte_vdev_device device_{};
    rte_devargs devargs_{};
};

// A thread that holds a lock which the callbacks' registration needs may request the status.
TEST_F(DriverTest, AnswersWhileItStarts) {
    std::future<std::size_t> status; // ends after the probe, even if it had to wait for that
    while_registering = [&] {
        if (status.valid())
            return;
        status = std::async(std::launch::async, [&] { return driver_.status().size(); });
        EXPECT_EQ(status.wait_for(10s), std::future_status::ready);
    };
    EXPECT_EQ(probe("iface=none"), 0);
    while_registering = nullptr;
    EXPECT_TRUE(status.valid());
    remove();
}

TEST_F(DriverTest, StartsAgainAfterItsLastInstance) {
    int registrations = 0;
    while_registering = [&] { ++registrations; };
    for (int i = 1; i <= 2; ++i) {
        EXPECT_EQ(probe("iface=none"), 0);
        EXPECT_EQ(registrations, 7 * i);
        remove();
    }
    while_registering = nullptr;
}

TEST_F(DriverTest, RefusesAMalformedArgument) {
    EXPECT_EQ(probe("iface=a/b"), -EINVAL);
    EXPECT_EQ(probe("unknown=1"), -EINVAL);
    EXPECT_TRUE(driver_.status().empty());
}

} // namespace
} // namespace netvsc::test
