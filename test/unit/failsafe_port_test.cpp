// SPDX-License-Identifier: BSD-3-Clause
//
// The port on DPDK's fail-safe itself: its sub-devices, by way of the pipe, are net_null's.
#include "eal.hpp"
#include "failsafe_port.hpp"
#include "wait_for.hpp"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <string_view>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;

constexpr auto poll = 10ms;
constexpr const char *sub_device = "net_null0";

/// The sub-device's port, while it has one.
const rte_eth_dev *sub_port() {
    std::uint16_t port = 0;
    return rte_eth_dev_get_port_by_name(sub_device, &port) == 0 ? &rte_eth_devices[port] : nullptr;
}

class FailsafePortTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        ASSERT_GE(start_eal(), 0);
        mbufs = rte_pktmbuf_pool_create("packets", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
        ASSERT_NE(mbufs, nullptr);
        ASSERT_EQ(rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_port, nullptr),
                  0);
    }
    static void TearDownTestSuite() { rte_eal_cleanup(); }

    void SetUp() override {
        ASSERT_TRUE(port_.create(poll));
        id_ = port_.port_id().value();
        // net_null receives everything, and cannot be told otherwise. Nor can its link be set: see
        // on_port().
        ASSERT_EQ(rte_eth_promiscuous_enable(id_), 0);
        ASSERT_EQ(rte_eth_allmulticast_enable(id_), 0);
    }
    void TearDown() override {
        EXPECT_TRUE(close_failsafe_port(0));
        EXPECT_TRUE(remove_failsafe_device(0));
    }

    void configure() const {
        const rte_eth_conf none{};
        ASSERT_EQ(rte_eth_dev_configure(id_, queues, queues, &none), 0);
    }
    void set_up(std::uint16_t queue) const {
        ASSERT_EQ(rte_eth_rx_queue_setup(id_, queue, 64, 0, nullptr, mbufs), 0);
        ASSERT_EQ(rte_eth_tx_queue_setup(id_, queue, 64, 0, nullptr), 0);
    }

    static constexpr std::uint16_t queues = 2;
    static inline rte_mempool *mbufs = nullptr;
    static inline std::atomic<unsigned> made = 0; ///< how many ports the sub-device has had

    FailsafePort port_ = FailsafePort::open(0, {}).value();
    std::uint16_t id_ = 0;

private:
    static int on_port(std::uint16_t port, rte_eth_event_type /*event*/, void * /*argument*/,
                       void * /*result*/) {
        rte_eth_dev_data &data = *rte_eth_devices[port].data;
        if (std::string_view(data.name) == sub_device) {
            ++made;
            data.dev_link.link_status = RTE_ETH_LINK_UP;
        }
        return 0;
    }
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

// fail-safe itself would use the queue that is not there.
TEST_F(FailsafePortTest, ASubDeviceThatComesWhileQueuesAreSetUpIsTakenAfterwards) {
    configure();
    set_up(0);
    ASSERT_TRUE(port_.announce(sub_device));
    ASSERT_TRUE(wait_for([] { return made == 1 && sub_port() == nullptr; }));
    set_up(1);
    ASSERT_EQ(rte_eth_dev_start(id_), 0);
    ASSERT_TRUE(port_.announce(sub_device));
    EXPECT_TRUE(wait_for([] {
        const auto *sub = sub_port();
        return sub != nullptr && sub->data->dev_started != 0;
    }));
    EXPECT_EQ(made, 2U);
}

} // namespace
} // namespace netvsc::test
