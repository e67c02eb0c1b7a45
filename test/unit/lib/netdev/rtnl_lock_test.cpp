// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/rtnl_lock.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

// That it is not available while the kernel holds it: test/vm/test_hv_life.py.

TEST(RtnlLock, IsAvailableWhileTheKernelDoesNotHoldIt) {
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(rtnl_available(60s));
}

TEST(RtnlLock, ManyThreadsMayAsk) {
    std::atomic<int> available = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] { available += rtnl_available(60s) ? 1 : 0; });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(available, 8);
}

} // namespace
} // namespace netvsc
