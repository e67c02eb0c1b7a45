// SPDX-License-Identifier: BSD-3-Clause
//
// The area's layout and values are DPDK's. The library itself includes no DPDK header.
#include "keepalive/keepalive_layout.hpp"
#include "keepalive/lcore_state.hpp"

#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <semaphore.h>
#include <utility>

#include <rte_keepalive.h>

namespace netvsc {
namespace {

struct Area {
    sem_t core_died;
    enum rte_keepalive_state core_state[RTE_KEEPALIVE_MAXCORES];
    std::uint64_t core_last_seen_times[RTE_KEEPALIVE_MAXCORES];
};

static_assert(sizeof(rte_keepalive_state) == sizeof(LcoreState));
static_assert(std::to_underlying(LcoreState::unused) == RTE_KA_STATE_UNUSED);
static_assert(std::to_underlying(LcoreState::alive) == RTE_KA_STATE_ALIVE);
static_assert(std::to_underlying(LcoreState::dead) == RTE_KA_STATE_DEAD);
static_assert(std::to_underlying(LcoreState::gone) == RTE_KA_STATE_GONE);
static_assert(std::to_underlying(LcoreState::missing) == RTE_KA_STATE_MISSING);
static_assert(std::to_underlying(LcoreState::dozing) == RTE_KA_STATE_DOZING);
static_assert(std::to_underlying(LcoreState::sleep) == RTE_KA_STATE_SLEEP);

TEST(KeepaliveLayout, is_dpdks) {
    const KeepaliveLayout layout(RTE_KEEPALIVE_MAXCORES);
    EXPECT_EQ(KeepaliveLayout::semaphore_offset(), offsetof(Area, core_died));
    EXPECT_EQ(KeepaliveLayout::states_offset(), offsetof(Area, core_state));
    EXPECT_EQ(layout.times_offset(), offsetof(Area, core_last_seen_times));
    EXPECT_EQ(layout.size(), sizeof(Area));
    EXPECT_LE(unsigned{RTE_KEEPALIVE_MAXCORES}, KeepaliveLayout::max_lcores);
}

} // namespace
} // namespace netvsc
