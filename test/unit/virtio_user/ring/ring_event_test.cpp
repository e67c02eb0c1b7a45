// SPDX-License-Identifier: BSD-3-Clause
// The event index: a kick or a call at one position only, wherever in the ring it is.
#include "virtio_user/ring/ring_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::virtio::test {
namespace {

using testing::SizeIs;

template <typename Ring> struct EventIndex : testing::Test {
    RingPair<Ring> pair{small_ring, true};
    Ring &ring = pair.ring;
    typename RingTraits<Ring>::Device &device = pair.device;

    void offer(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            ring.template offer<Access::read>({.address = 0x1000, .length = 1}, cookie(i));
        EXPECT_TRUE(ring.publish());
    }
};

TYPED_TEST_SUITE(EventIndex, AllRings);

TYPED_TEST(EventIndex, KicksWhenAPublishedDescriptorReachesTheEvent) {
    for (unsigned round = 0; round < 3; ++round) // the positions differ in each
        for (std::uint16_t event = 0; event < small_ring; ++event)
            for (unsigned count = 1; count <= small_ring; ++count) {
                this->device.want_kick_after(event);
                this->offer(count);
                EXPECT_EQ(this->ring.needs_kick(), event < count)
                    << "round " << round << ", event after " << event << ", published " << count;
                EXPECT_FALSE(this->ring.needs_kick()); // nothing was published since
                EXPECT_EQ(this->device.echo(count, 0), count);
                EXPECT_THAT(take(this->ring), SizeIs(count));
            }
}

TYPED_TEST(EventIndex, KickChecksAddUpWhatWasPublished) {
    this->device.want_kick_after(1);
    this->offer(1);
    EXPECT_FALSE(this->ring.needs_kick());
    this->offer(2);
    this->offer(1);
    EXPECT_TRUE(this->ring.needs_kick()); // the event was in the first of the two
}

TYPED_TEST(EventIndex, CallsComeAtTheNextUsedChainOnly) {
    for (unsigned start = 0; start < 2 * small_ring; ++start) {
        EXPECT_FALSE(this->ring.enable_calls());
        this->offer(3);
        EXPECT_EQ(this->device.echo(1, 0), 1U);
        EXPECT_TRUE(this->device.call_wanted());
        EXPECT_EQ(this->device.echo(1, 0), 1U);
        EXPECT_FALSE(this->device.call_wanted());
        EXPECT_TRUE(this->ring.enable_calls()); // two chains wait
        EXPECT_THAT(take(this->ring), SizeIs(2));
        this->ring.disable_calls();
        EXPECT_EQ(this->device.echo(1, 0), 1U);
        EXPECT_FALSE(this->device.call_wanted());
        EXPECT_THAT(take(this->ring), SizeIs(1));
    }
}

} // namespace
} // namespace netvsc::virtio::test
