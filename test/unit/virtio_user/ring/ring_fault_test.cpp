// SPDX-License-Identifier: BSD-3-Clause
// A device that breaks the rules stops its ring, and reaches no memory of the driver.
#include "virtio_user/ring/ring_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <string_view>
#include <vector>

namespace netvsc::virtio::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

template <typename Ring> struct RingFault : testing::Test {
    RingPair<Ring> pair{small_ring};
    Ring &ring = pair.ring;
    typename RingTraits<Ring>::Device &device = pair.device;

    void offer(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            ring.template offer<Access::write>({.address = 0x1000, .length = 100}, cookie(i));
        EXPECT_TRUE(ring.publish());
    }
    /// The ring stopped because of the fault, and does not go on.
    void expect_stopped(Fault fault) {
        EXPECT_EQ(ring.fault(), fault);
        if (auto chain = device.fetch())
            device.use(*chain, 1);
        EXPECT_THAT(take(ring), IsEmpty());
        EXPECT_EQ(ring.fault(), fault);
    }
};

TYPED_TEST_SUITE(RingFault, AllRings);

TYPED_TEST(RingFault, IdOutOfRange) {
    this->offer(2);
    this->device.write_used(small_ring, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::unknown_id);
}

TYPED_TEST(RingFault, LargestId) {
    this->offer(2);
    this->device.write_used(0xffffffff, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::unknown_id);
}

TYPED_TEST(RingFault, IdOfNoChainInFlight) {
    this->offer(2);
    this->device.write_used(5, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::unknown_id);
}

TYPED_TEST(RingFault, ChainUsedTwice) {
    this->offer(3);
    const auto chain = this->device.fetch();
    ASSERT_TRUE(chain);
    this->device.use(*chain, 1);
    this->device.use(*chain, 1);
    EXPECT_THAT(take(this->ring), SizeIs(1)); // the first use was right
    this->expect_stopped(Fault::unknown_id);
}

TYPED_TEST(RingFault, InnerDescriptorOfAChain) {
    const Segment segments[] = {{0x1000, 100}, {0x2000, 100}, {0x3000, 100}};
    this->ring.offer_chain({}, segments, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    this->device.write_used(1, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::unknown_id);
}

TYPED_TEST(RingFault, LengthAboveTheOffer) {
    this->offer(3);
    const auto right = this->device.fetch();
    ASSERT_TRUE(right);
    this->device.use(*right, 100);
    const auto wrong = this->device.fetch();
    ASSERT_TRUE(wrong);
    this->device.use(*wrong, 101);
    EXPECT_THAT(take(this->ring), SizeIs(1));
    this->expect_stopped(Fault::used_length);
}

TYPED_TEST(RingFault, LengthForAReadableChainIsIgnored) {
    this->ring.template offer<Access::read>({.address = 0x1000, .length = 100}, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    const auto chain = this->device.fetch();
    ASSERT_TRUE(chain);
    this->device.use(*chain, 100);
    EXPECT_THAT(take(this->ring), testing::ElementsAre(Taken{cookie(1), 0}));
    EXPECT_EQ(this->ring.fault(), Fault::none);
}

TYPED_TEST(RingFault, UseOfARingWithoutChains) {
    this->device.write_used(0, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    EXPECT_NE(this->ring.fault(), Fault::none);
}

/// Only split rings have a used index.
template <typename Ring> struct UsedIndex : RingFault<Ring> {};
using SplitRings = testing::Types<SplitRing<Order::any>, SplitRing<Order::in_order>>;
TYPED_TEST_SUITE(UsedIndex, SplitRings);

TYPED_TEST(UsedIndex, PassesTheAvailableIndex) {
    this->offer(2);
    this->device.write_used(0, 0, 3);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::used_index);
}

TYPED_TEST(UsedIndex, GoesBack) {
    this->offer(2);
    this->device.write_used(0, 0, 1);
    EXPECT_THAT(take(this->ring), SizeIs(1));
    this->device.write_used(0, 0, static_cast<std::uint16_t>(-1));
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->expect_stopped(Fault::used_index);
}

TEST(InOrderSplitRing, BatchBeyondTheUsedIndexIsAFault) {
    RingPair<SplitRing<Order::in_order>> pair(small_ring);
    for (unsigned i = 0; i < 4; ++i)
        pair.ring.offer<Access::write>({.address = 0x1000, .length = 100}, cookie(i));
    EXPECT_TRUE(pair.ring.publish());
    pair.device.write_used(2, 1, 2); // three chains by the id, but two by the index
    EXPECT_THAT(take(pair.ring), IsEmpty());
    EXPECT_EQ(pair.ring.fault(), Fault::wrong_order);
}

TEST(Fault, EachHasWordsOfItsOwn) {
    std::vector<std::string_view> words;
    for (const Fault fault : {Fault::none, Fault::used_index, Fault::unknown_id, Fault::wrong_order,
                              Fault::used_length})
        words.push_back(describe(fault));
    EXPECT_EQ(std::set<std::string_view>(words.begin(), words.end()).size(), words.size());
}

} // namespace
} // namespace netvsc::virtio::test
