// SPDX-License-Identifier: BSD-3-Clause
// Devices that use chains out of order, and those that use them in batches.
#include "virtio_user/ring/ring_fixture.hpp"

#include <algorithm>
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::virtio::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename Ring> struct OrderTest : testing::Test {
    RingPair<Ring> pair{small_ring};
    Ring &ring = pair.ring;

    /// Chains of one, two and three descriptors for the device to write, with the cookies 1 to 3
    /// and 100 bytes a descriptor; as the device fetched them.
    [[nodiscard]] std::vector<MockChain> offer_three() {
        const std::array<Segment, 3> segments = {{{0x1000, 100}, {0x2000, 100}, {0x3000, 100}}};
        for (std::size_t count = 1; count <= 3; ++count)
            ring.offer_chain({}, std::span(segments).first(count), cookie(count));
        EXPECT_TRUE(ring.publish());
        std::vector<MockChain> chains;
        while (auto chain = pair.device.fetch())
            chains.push_back(*std::move(chain));
        return chains;
    }
};

template <typename Ring> struct AnyOrder : OrderTest<Ring> {};
TYPED_TEST_SUITE(AnyOrder, AnyOrderRings);

TYPED_TEST(AnyOrder, ChainsAreUsedInEveryOrder) {
    std::array<std::size_t, 3> order = {0, 1, 2};
    do {
        const auto chains = this->offer_three();
        ASSERT_EQ(chains.size(), 3U);
        EXPECT_EQ(this->ring.room(), small_ring - 6);
        for (const std::size_t i : order)
            this->pair.device.use(chains[i], static_cast<std::uint32_t>(i));
        for (const std::size_t i : order)
            EXPECT_THAT(take(this->ring, 1),
                        ElementsAre(Taken{cookie(i + 1), static_cast<std::uint32_t>(i)}));
        EXPECT_EQ(this->ring.room(), small_ring);
    } while (std::ranges::next_permutation(order).found);
}

template <typename Ring> struct InOrder : OrderTest<Ring> {};
using InOrderRings = testing::Types<SplitRing<Order::in_order>, PackedRing<Order::in_order>>;
TYPED_TEST_SUITE(InOrder, InOrderRings);

TYPED_TEST(InOrder, OneUsedEntryIsForAWholeBatch) {
    for (unsigned round = 0; round < 5; ++round) {
        const auto chains = this->offer_three();
        ASSERT_EQ(chains.size(), 3U);
        this->pair.device.use_batch(chains, 7);
        // All but the last were used completely.
        EXPECT_THAT(take(this->ring),
                    ElementsAre(Taken{cookie(1), 100}, Taken{cookie(2), 200}, Taken{cookie(3), 7}));
        EXPECT_EQ(this->ring.room(), small_ring);
    }
}

TYPED_TEST(InOrder, ABatchIsTakenInParts) {
    const auto chains = this->offer_three();
    ASSERT_EQ(chains.size(), 3U);
    this->pair.device.use_batch(chains, 7);
    EXPECT_THAT(take(this->ring, 1), ElementsAre(Taken{cookie(1), 100}));
    EXPECT_EQ(this->ring.room(), small_ring - 5);
    EXPECT_THAT(take(this->ring, 1), ElementsAre(Taken{cookie(2), 200}));
    EXPECT_THAT(take(this->ring, 1), ElementsAre(Taken{cookie(3), 7}));
    EXPECT_THAT(take(this->ring, 1), IsEmpty());
}

TYPED_TEST(InOrder, ChainsOfABatchWaitWhenCallsAreEnabled) {
    const auto chains = this->offer_three();
    ASSERT_EQ(chains.size(), 3U);
    this->pair.device.use_batch(chains, 7);
    EXPECT_THAT(take(this->ring, 1), ElementsAre(Taken{cookie(1), 100}));
    EXPECT_TRUE(this->ring.enable_calls());
    EXPECT_THAT(take(this->ring, 2), ElementsAre(Taken{cookie(2), 200}, Taken{cookie(3), 7}));
    EXPECT_FALSE(this->ring.enable_calls());
}

TYPED_TEST(InOrder, BatchesFollowEachOther) {
    const auto chains = this->offer_three();
    ASSERT_EQ(chains.size(), 3U);
    this->pair.device.use(chains[0], 5);
    this->pair.device.use_batch({chains[1], chains[2]}, 7);
    EXPECT_THAT(take(this->ring),
                ElementsAre(Taken{cookie(1), 5}, Taken{cookie(2), 200}, Taken{cookie(3), 7}));
}

TYPED_TEST(InOrder, ResetForgetsAnOpenBatch) {
    const auto chains = this->offer_three();
    ASSERT_EQ(chains.size(), 3U);
    this->pair.device.use_batch(chains, 7);
    EXPECT_THAT(take(this->ring, 1), ElementsAre(Taken{cookie(1), 100}));
    this->ring.reset([](void *) {});
    EXPECT_THAT(take(this->ring), IsEmpty());
    EXPECT_EQ(this->ring.fault(), Fault::none);
}

} // namespace
} // namespace netvsc::virtio::test
