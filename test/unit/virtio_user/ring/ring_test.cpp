// SPDX-License-Identifier: BSD-3-Clause
// What every ring does, whatever its layout and order.
#include "virtio_user/ring/ring_fixture.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::virtio::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

template <typename Ring> struct RingTest : testing::Test {
    RingPair<Ring> pair{small_ring};
    Ring &ring = pair.ring;
    typename RingTraits<Ring>::Device &device = pair.device;

    /// Offers and publishes so many chains for the device to write, with cookies from `first` on.
    void offer(unsigned count, std::uintptr_t first = 1) {
        for (unsigned i = 0; i < count; ++i)
            ring.template offer<Access::write>({.address = 0x1000 * (first + i), .length = 100},
                                               cookie(first + i));
        EXPECT_TRUE(ring.publish());
    }
    [[nodiscard]] MockChain fetch() {
        auto chain = device.fetch();
        EXPECT_TRUE(chain);
        return chain ? *chain : MockChain{};
    }
    [[nodiscard]] std::vector<MockChain> fetch_all() {
        std::vector<MockChain> chains;
        while (auto chain = device.fetch())
            chains.push_back(*std::move(chain));
        return chains;
    }
};

TYPED_TEST_SUITE(RingTest, AllRings);

TYPED_TEST(RingTest, DeviceSeesAReadableChain) {
    this->ring.template offer<Access::read>({.address = 0x123456789abc, .length = 60}, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    const MockChain chain = this->fetch();
    EXPECT_EQ(chain.descriptors, 1);
    EXPECT_THAT(chain.segments, ElementsAre(MockSegment{0x123456789abc, 60, false}));
    EXPECT_FALSE(this->device.fetch());
}

TYPED_TEST(RingTest, DeviceSeesAWritableChain) {
    this->ring.template offer<Access::write>({.address = 0x1000, .length = 2048}, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    EXPECT_THAT(this->fetch().segments, ElementsAre(MockSegment{0x1000, 2048, true}));
}

TYPED_TEST(RingTest, DeviceSeesNothingBeforePublish) {
    EXPECT_FALSE(this->ring.publish());
    for (unsigned i = 0; i < 3; ++i)
        this->ring.template offer<Access::read>({.address = 0x1000, .length = 60}, cookie(1));
    EXPECT_FALSE(this->device.fetch());
    EXPECT_TRUE(this->ring.publish());
    EXPECT_FALSE(this->ring.publish());
    EXPECT_THAT(this->fetch_all(), SizeIs(3));
}

TYPED_TEST(RingTest, TakesWhatTheDeviceUsed) {
    this->offer(2);
    EXPECT_THAT(take(this->ring), IsEmpty());
    this->device.use(this->fetch(), 7);
    EXPECT_THAT(take(this->ring), ElementsAre(Taken{cookie(1), 7}));
    this->device.use(this->fetch(), 100);
    EXPECT_THAT(take(this->ring), ElementsAre(Taken{cookie(2), 100}));
    EXPECT_THAT(take(this->ring), IsEmpty());
    EXPECT_EQ(this->ring.fault(), Fault::none);
}

TYPED_TEST(RingTest, TakesNoMoreThanAsked) {
    this->offer(3);
    for (const MockChain &chain : this->fetch_all())
        this->device.use(chain, 1);
    EXPECT_THAT(take(this->ring, 2), ElementsAre(Taken{cookie(1), 1}, Taken{cookie(2), 1}));
    EXPECT_THAT(take(this->ring, 2), ElementsAre(Taken{cookie(3), 1}));
}

TYPED_TEST(RingTest, HasRoomForItsEntries) {
    EXPECT_EQ(this->ring.room(), small_ring);
    this->offer(small_ring);
    EXPECT_EQ(this->ring.room(), 0);
    const auto chains = this->fetch_all();
    EXPECT_THAT(chains, SizeIs(small_ring));
    for (const MockChain &chain : chains)
        this->device.use(chain, 0);
    EXPECT_EQ(this->ring.room(), 0);
    EXPECT_THAT(take(this->ring, 3), SizeIs(3));
    EXPECT_EQ(this->ring.room(), 3);
    EXPECT_THAT(take(this->ring), SizeIs(small_ring - 3));
    EXPECT_EQ(this->ring.room(), small_ring);
}

TYPED_TEST(RingTest, DirectChainHasItsSegmentsInOrder) {
    const std::array<Segment, 2> readable = {{{0x1000, 10}, {0x2000, 20}}};
    const std::array<Segment, 1> writable = {{{0x3000, 30}}};
    this->ring.offer_chain(readable, writable, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    EXPECT_EQ(this->ring.room(), small_ring - 3);
    const MockChain chain = this->fetch();
    EXPECT_EQ(chain.descriptors, 3);
    EXPECT_THAT(chain.segments,
                ElementsAre(MockSegment{0x1000, 10, false}, MockSegment{0x2000, 20, false},
                            MockSegment{0x3000, 30, true}));
    this->device.use(chain, 30);
    EXPECT_THAT(take(this->ring), ElementsAre(Taken{cookie(1), 30}));
    EXPECT_EQ(this->ring.room(), small_ring);
}

TYPED_TEST(RingTest, IndirectChainNeedsOneDescriptor) {
    const std::array<Segment, 3> readable = {{{0x1000, 10}, {0x2000, 20}, {0x3000, 30}}};
    const std::array<Segment, 1> writable = {{{0x4000, 40}}};
    EXPECT_EQ(this->ring.indirect_segments(), 4);
    this->ring.offer_indirect(readable, writable, cookie(1));
    EXPECT_TRUE(this->ring.publish());
    EXPECT_EQ(this->ring.room(), small_ring - 1);
    const MockChain chain = this->fetch();
    EXPECT_EQ(chain.descriptors, 1);
    EXPECT_THAT(chain.segments,
                ElementsAre(MockSegment{0x1000, 10, false}, MockSegment{0x2000, 20, false},
                            MockSegment{0x3000, 30, false}, MockSegment{0x4000, 40, true}));
    this->device.use(chain, 40);
    EXPECT_THAT(take(this->ring), ElementsAre(Taken{cookie(1), 40}));
}

TYPED_TEST(RingTest, IndirectTablesOfChainsInFlightAreApart) {
    for (std::uint64_t i = 1; i <= small_ring; ++i) {
        const std::array<Segment, 2> readable = {{{0x1000 * i, 10}, {0x1000 * i + 16, 20}}};
        this->ring.offer_indirect(readable, {}, cookie(i));
    }
    EXPECT_TRUE(this->ring.publish());
    const auto chains = this->fetch_all();
    ASSERT_THAT(chains, SizeIs(small_ring));
    for (std::uint64_t i = 1; i <= small_ring; ++i)
        EXPECT_THAT(chains[i - 1].segments, ElementsAre(MockSegment{0x1000 * i, 10, false},
                                                        MockSegment{0x1000 * i + 16, 20, false}));
}

TYPED_TEST(RingTest, NeedsAKickUnlessTheDeviceRefuses) {
    this->offer(1);
    EXPECT_TRUE(this->ring.needs_kick());
    this->device.want_kicks(false);
    this->offer(1);
    EXPECT_FALSE(this->ring.needs_kick());
    this->device.want_kicks(true);
    this->offer(1);
    EXPECT_TRUE(this->ring.needs_kick());
}

TYPED_TEST(RingTest, CallsAreEnabledAndDisabled) {
    this->ring.disable_calls();
    this->offer(3);
    this->device.use(this->fetch(), 0);
    EXPECT_FALSE(this->device.call_wanted());
    EXPECT_TRUE(this->ring.enable_calls()); // the used chain waits
    EXPECT_THAT(take(this->ring), SizeIs(1));
    EXPECT_FALSE(this->ring.enable_calls());
    this->device.use(this->fetch(), 0);
    EXPECT_TRUE(this->device.call_wanted());
}

TYPED_TEST(RingTest, ResetGivesBackWhatIsInFlight) {
    this->offer(5);
    this->device.use(this->fetch(), 0);
    this->device.use(this->fetch(), 0);
    EXPECT_THAT(take(this->ring, 1), SizeIs(1));
    const std::array<Segment, 2> segments = {{{0x1000, 10}, {0x2000, 20}}};
    this->ring.offer_chain(segments, {}, cookie(6)); // not even published

    std::vector<void *> released;
    this->ring.reset([&](void *of) { released.push_back(of); });
    EXPECT_THAT(released, testing::UnorderedElementsAre(cookie(2), cookie(3), cookie(4), cookie(5),
                                                        cookie(6)));
    released.clear();
    this->ring.reset([&](void *of) { released.push_back(of); });
    EXPECT_THAT(released, IsEmpty());
}

TYPED_TEST(RingTest, WorksAfterReset) {
    this->offer(5);
    this->device.write_used(small_ring, 0, 1);
    EXPECT_THAT(take(this->ring), IsEmpty());
    EXPECT_NE(this->ring.fault(), Fault::none);
    this->ring.reset([](void *) {});
    EXPECT_EQ(this->ring.fault(), Fault::none);
    EXPECT_EQ(this->ring.room(), small_ring);

    this->pair.restart_device();
    this->offer(small_ring);
    EXPECT_EQ(this->device.echo(small_ring, 1), small_ring);
    EXPECT_THAT(take(this->ring), SizeIs(small_ring));
}

TYPED_TEST(RingTest, KeepsItsOrderForManyRounds) {
    std::uintptr_t offered = 1;
    std::uintptr_t taken = 1;
    for (unsigned round = 0; round < 20000; ++round) { // the 16-bit indexes wrap
        const unsigned burst = 1 + round % small_ring;
        this->offer(burst, offered);
        offered += burst;
        EXPECT_EQ(this->device.echo(burst, round % 100), burst);
        for (const Taken &chain : take(this->ring))
            ASSERT_EQ(chain, (Taken{cookie(taken++), round % 100}));
        ASSERT_EQ(taken, offered);
    }
    EXPECT_EQ(this->ring.fault(), Fault::none);
}

} // namespace
} // namespace netvsc::virtio::test
