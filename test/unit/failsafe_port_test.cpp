// SPDX-License-Identifier: BSD-3-Clause
//
// The port on DPDK's fail-safe itself, which has no sub-device.
#include "eal.hpp"
#include "failsafe_port.hpp"

#include <chrono>
#include <gtest/gtest.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;

constexpr auto poll = 10ms;

class FailsafePortTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        ASSERT_GE(start_eal(), 0);
        mbufs = make_mbufs();
        ASSERT_NE(mbufs, nullptr);
    }
    static void TearDownTestSuite() { rte_eal_cleanup(); }

    void SetUp() override {
        ASSERT_TRUE(port_.create(poll));
        id_ = port_.port_id().value();
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

} // namespace
} // namespace netvsc::test
