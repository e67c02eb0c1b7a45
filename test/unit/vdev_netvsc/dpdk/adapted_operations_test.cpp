// SPDX-License-Identifier: BSD-3-Clause
//
// The operations of DPDK's net_null ports, some of them replaced.
#include "common/eal.hpp"
#include "common/vdev_port.hpp"
#include "dpdk/adapted_operations.hpp"

#include <gtest/gtest.h>

#include <rte_dev.h>

namespace netvsc::test {
namespace {

class Eal : public testing::Environment {
public:
    void SetUp() override { ASSERT_GE(start_eal(), 0); }
    void TearDown() override { rte_eal_cleanup(); }
};
const auto *const eal = testing::AddGlobalTestEnvironment(new Eal);

int own_dev_start(rte_eth_dev * /*port*/) { return -ENOSYS; }
void replace_start(eth_dev_ops &operations) { operations.dev_start = own_dev_start; }
void replace_stop(eth_dev_ops &operations) { operations.dev_stop = own_dev_start; }

class AdaptedOperations : public testing::Test {
protected:
    void TearDown() override {
        for (const char *device : {"net_null0", "net_null1"})
            EXPECT_EQ(rte_eal_hotplug_remove("vdev", device), 0);
    }

    rte_eth_dev &port_ = rte_eth_devices[add_vdev_port("net_null0", "")];
    rte_eth_dev &other_ = rte_eth_devices[add_vdev_port("net_null1", "")];
    const eth_dev_ops *const of_the_pmd_ = port_.dev_ops;
};

TEST_F(AdaptedOperations, APortThatIsNotAdaptedHasItsPmdsOperations) {
    EXPECT_EQ(&original_operations(port_), of_the_pmd_);
    adapt_operations(port_, replace_start);
    EXPECT_EQ(&original_operations(other_), of_the_pmd_);
}

TEST_F(AdaptedOperations, OnlyTheReplacedOperationsDiffer) {
    adapt_operations(port_, replace_start);
    EXPECT_EQ(port_.dev_ops->dev_start, own_dev_start);
    EXPECT_EQ(port_.dev_ops->dev_stop, of_the_pmd_->dev_stop);
    EXPECT_EQ(&original_operations(port_), of_the_pmd_);
    EXPECT_NE(of_the_pmd_->dev_start, own_dev_start);
    EXPECT_EQ(other_.dev_ops, of_the_pmd_);
}

TEST_F(AdaptedOperations, PortsOfOnePmdShareACopy) {
    adapt_operations(port_, replace_start);
    adapt_operations(other_, replace_start);
    EXPECT_EQ(port_.dev_ops, other_.dev_ops);
}

TEST_F(AdaptedOperations, APortIsAdaptedOnce) {
    adapt_operations(port_, replace_start);
    adapt_operations(port_, replace_stop);
    EXPECT_EQ(port_.dev_ops->dev_stop, of_the_pmd_->dev_stop);
    EXPECT_EQ(&original_operations(port_), of_the_pmd_);
}

TEST_F(AdaptedOperations, ARestoredPortHasItsPmdsOperations) {
    adapt_operations(port_, replace_start);
    adapt_operations(other_, replace_start);
    restore_operations(port_);
    EXPECT_EQ(port_.dev_ops, of_the_pmd_);
    EXPECT_NE(other_.dev_ops, of_the_pmd_);
    restore_operations(port_);
    EXPECT_EQ(port_.dev_ops, of_the_pmd_);
}

} // namespace
} // namespace netvsc::test
