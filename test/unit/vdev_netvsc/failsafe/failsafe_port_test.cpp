// SPDX-License-Identifier: BSD-3-Clause
//
// The port on DPDK's fail-safe itself, with no sub-device or one that is fed by the pipe.
#include "common/eal.hpp"
#include "common/vdev_port.hpp"
#include "common/wait_for.hpp"
#include "dpdk/adapted_operations.hpp"
#include "dpdk/dpdk_compat.hpp"
#include "dpdk/interrupt_thread.hpp"
#include "dpdk/rx_callback.hpp"
#include "failsafe/double_release.hpp"
#include "failsafe/failsafe_port.hpp"
#include "failsafe/link_events.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include <ethdev_driver.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;

constexpr auto poll = 10ms;

rte_mempool *mbufs = nullptr;

// Of all cases: a process can start EAL once.
class Eal : public testing::Environment {
public:
    void SetUp() override {
        ASSERT_GE(start_eal(), 0);
        mbufs = make_mbufs();
        ASSERT_NE(mbufs, nullptr);
    }
    void TearDown() override { rte_eal_cleanup(); }
};
const auto *const eal = testing::AddGlobalTestEnvironment(new Eal);

class FailsafePortTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(port_.create(poll));
        id_ = port_.port_id().value();
    }
    void TearDown() override {
        EXPECT_TRUE(close_failsafe_port(0));
        EXPECT_TRUE(remove_failsafe_device(0));
    }

    void configure(bool link_events = false) const {
        rte_eth_conf configuration{};
        configuration.intr_conf.lsc = link_events ? 1 : 0;
        ASSERT_EQ(rte_eth_dev_configure(id_, queues, queues, &configuration), 0);
    }
    void set_up(std::uint16_t queue) const {
        ASSERT_EQ(rte_eth_rx_queue_setup(id_, queue, 64, 0, nullptr, mbufs), 0);
        ASSERT_EQ(rte_eth_tx_queue_setup(id_, queue, 64, 0, nullptr), 0);
    }

    static constexpr std::uint16_t queues = 2;

    FailsafePort port_ = FailsafePort::open(0, {}).value();
    std::uint16_t id_ = 0;
};

TEST_F(FailsafePortTest, IsHalfConfiguredUntilAllItsQueuesAreSetUp) {
    EXPECT_FALSE(port_.half_configured());
    configure();
    EXPECT_TRUE(port_.half_configured());
    set_up(0);
    EXPECT_TRUE(port_.half_configured());
    set_up(1);
    EXPECT_FALSE(port_.half_configured());
}

// A sub-device has port 0, like a VF that is present before the fail-safe port. The latter is
// port 1.
class FailsafeSubDeviceTest : public FailsafePortTest {
protected:
    void SetUp() override {
        sub_device_ = add_vdev_port("net_null0", "no-rx=1");
        adapt_operations(rte_eth_devices[sub_device_], [](eth_dev_ops &operations) {
            operations.dev_configure = configure_with_link_events;
        });
        FailsafePortTest::SetUp();
    }
    void TearDown() override {
        FailsafePortTest::TearDown();
        if (find_device("vdev", "net_null0") != nullptr) // fail-safe has not taken it
            rte_eal_hotplug_remove("vdev", "net_null0");
    }

    void start(bool can_tell, bool link_events) {
        if (can_tell)
            rte_eth_devices[sub_device_].data->dev_flags |= RTE_ETH_DEV_INTR_LSC;
        // Before it is configured: net_null can change nothing afterwards.
        ASSERT_TRUE(port_.announce("net_null0"));
        rte_eth_dev_owner owner{};
        ASSERT_TRUE(wait_for([&] {
            return rte_eth_dev_owner_get(sub_device_, &owner) == 0 &&
                   owner.id != RTE_ETH_DEV_NO_OWNER;
        }));
        configure(link_events);
        for (std::uint16_t queue = 0; queue < queues; ++queue)
            set_up(queue);
        ASSERT_EQ(rte_eth_dev_start(id_), 0);
    }
    [[nodiscard]] bool tells() const {
        return rte_eth_devices[sub_device_].data->dev_conf.intr_conf.lsc != 0;
    }

    static int count_link_update(rte_eth_dev * /*port*/, int /*wait*/) {
        ++link_updates;
        return -1; // nothing new
    }
    static inline int link_updates = 0;

    std::uint16_t sub_device_ = 0;
};

TEST_F(FailsafeSubDeviceTest, ASubDeviceReportsItsLinkIfTheApplicationRequestsThat) {
    start(true, true);
    EXPECT_TRUE(tells());
    EXPECT_EQ(rte_eth_devices[id_].data->dev_conf.intr_conf.lsc, 1U);
}

TEST_F(FailsafeSubDeviceTest, ASubDeviceDoesNotReportItsLinkUnlessTheApplicationRequestsThat) {
    start(true, false);
    EXPECT_FALSE(tells());
    EXPECT_EQ(rte_eth_devices[id_].data->dev_conf.intr_conf.lsc, 0U);
}

TEST_F(FailsafeSubDeviceTest, ASubDeviceThatCannotReportItsLinkIsNotRequestedTo) {
    start(false, true);
    EXPECT_FALSE(tells());
}

TEST_F(FailsafeSubDeviceTest, TheNextPortsWithTheNumbersAreNotDisturbed) {
    start(true, true);
    ASSERT_TRUE(close_failsafe_port(0));
    ASSERT_TRUE(remove_failsafe_device(0));
    ASSERT_EQ(add_vdev_port("net_null1", "no-rx=1"), sub_device_);
    ASSERT_EQ(add_vdev_port("net_null2", "no-rx=1"), id_);
    adapt_operations(rte_eth_devices[id_],
                     [](eth_dev_ops &operations) { operations.link_update = count_link_update; });
    link_updates = 0;
    rte_eth_dev_callback_process(&rte_eth_devices[sub_device_], RTE_ETH_EVENT_INTR_LSC, nullptr);
    EXPECT_EQ(link_updates, 0);
    for (const char *device : {"net_null1", "net_null2"})
        EXPECT_EQ(rte_eal_hotplug_remove("vdev", device), 0);
}

// A sub-device leaves while another port, which fail-safe's second release must not reach, has
// number 0.
class FailsafeRemovalTest : public FailsafeSubDeviceTest {
protected:
    void SetUp() override {
        other_ = add_vdev_port("net_null9", "no-rx=1");
        ASSERT_EQ(other_, 0);
        rte_eth_conf configuration{};
        ASSERT_EQ(rte_eth_dev_configure(other_, 1, 1, &configuration), 0);
        ASSERT_EQ(rte_eth_rx_queue_setup(other_, 0, 64, 0, nullptr, mbufs), 0);
        ASSERT_EQ(rte_eth_tx_queue_setup(other_, 0, 64, 0, nullptr), 0);
        ASSERT_EQ(rte_eth_dev_start(other_), 0);
        ASSERT_TRUE(replace_unplug("vdev", unplug, unplug_by_bus));
        FailsafeSubDeviceTest::SetUp();
    }
    void TearDown() override {
        FailsafeSubDeviceTest::TearDown();
        EXPECT_EQ(rte_eth_dev_stop(other_), 0);
        EXPECT_EQ(rte_eal_hotplug_remove("vdev", "net_null9"), 0);
    }

    static int unplug(rte_device *device) {
        const int result = unplug_by_bus(device);
        if (result == 0)
            prepare_double_release(device);
        return result;
    }
    static inline BusUnplug unplug_by_bus = nullptr;

    // fail-safe removes it, and releases it the second time, in an alarm.
    void remove_sub_device() const {
        expect_double_release(rte_eth_devices[sub_device_]);
        rte_eth_dev_callback_process(&rte_eth_devices[sub_device_], RTE_ETH_EVENT_INTR_RMV,
                                     nullptr);
        ASSERT_TRUE(wait_for([&] { return rte_eth_dev_is_valid_port(sub_device_) == 0; }));
        const InterruptThreadPause after_the_alarm;
    }

    std::uint16_t other_ = 0;
};

TEST_F(FailsafeRemovalTest, AnotherPortWorksOnAndTheSlotIsFree) {
    const auto receive = rte_eth_fp_ops[other_].rx_pkt_burst;
    rte_eth_devices[sub_device_].data->dev_flags |= RTE_ETH_DEV_INTR_RMV;
    start(false, false);
    remove_sub_device();
    EXPECT_EQ(rte_eth_fp_ops[other_].rx_pkt_burst, receive);
    EXPECT_NE(rte_eth_dev_is_valid_port(other_), 0);
    EXPECT_EQ(add_vdev_port("net_null1", "no-rx=1"), sub_device_);
    EXPECT_STREQ(rte_eth_devices[sub_device_].data->name, "net_null1");
    EXPECT_EQ(rte_eal_hotplug_remove("vdev", "net_null1"), 0);
}

// Polls a queue of a port.
class Poller {
public:
    Poller(std::uint16_t port, std::uint16_t queue, bool as_lcore)
        : thread_([=, this](const std::stop_token &stop) {
              if (as_lcore)
                  (void)rte_thread_register();
              lcore_ = rte_lcore_id();
              std::array<rte_mbuf *, 4> packets{};
              while (!stop.stop_requested())
                  (void)rte_eth_rx_burst(port, queue, packets.data(), packets.size());
              if (as_lcore)
                  rte_thread_unregister();
          }) {}
    [[nodiscard]] unsigned lcore() const { return lcore_; }

private:
    std::atomic<unsigned> lcore_ = 0;
    std::jthread thread_; // last: it uses the others
};

TEST_F(FailsafeSubDeviceTest, ItIsKnownWhichLcorePolls) {
    start(false, false);
    EXPECT_EQ(polling_lcore(id_), std::nullopt);
    {
        const Poller poller(id_, queues - 1, true);
        EXPECT_TRUE(wait_for([&] { return polling_lcore(id_) == poller.lcore(); }));
        EXPECT_NE(poller.lcore(), LCORE_ID_ANY);
    }
    EXPECT_EQ(polling_lcore(id_), std::nullopt);
    {
        const Poller poller(id_, 0, false);
        EXPECT_TRUE(wait_for([&] { return polling_lcore(id_) == LCORE_ID_ANY; }));
    }
    EXPECT_EQ(rte_eth_devices[id_].post_rx_burst_cbs[0], nullptr);
}

TEST_F(FailsafeSubDeviceTest, NobodyPollsAPortThatIsStopped) {
    EXPECT_EQ(polling_lcore(id_), std::nullopt);
    EXPECT_EQ(polling_lcore(RTE_MAX_ETHPORTS), std::nullopt);
}

} // namespace
} // namespace netvsc::test
