// SPDX-License-Identifier: BSD-3-Clause
// The device's side: it walks what the driver's side offers, and refuses what no driver writes.
#include "ring/device_ring.hpp"
#include "virtio_user/ring/ring_fixture.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <string_view>

namespace netvsc::virtio::test {
namespace {

using Error = DeviceRing::Error;
using testing::SizeIs;

/// A ring, its device, and memory from which segments come.
template <typename Ring> struct Subject {
    using Traits = RingTraits<Ring>;

    RingArea areas{Traits::layout(small_ring).size};
    std::array<std::byte, 4096> memory{};
    alignas(16) std::array<std::byte, 1024> indirect{};
    Ring ring{{.entries = small_ring,
               .memory = {.areas = areas.data(),
                          .indirect = indirect.data(),
                          .indirect_address = address(indirect.data()),
                          .indirect_segments = 4}}};
    std::unique_ptr<DeviceRing> device =
        Traits::packed ? make_packed_device_ring(areas.data(), small_ring, translation())
                       : make_split_device_ring(areas.data(), small_ring, translation());

    static std::uint64_t address(const void *data) {
        return reinterpret_cast<std::uintptr_t>(data);
    }
    Translate translation() {
        return [this](std::uint64_t at, std::uint64_t length) -> std::byte * {
            for (const std::span<std::byte> known :
                 {std::span<std::byte>(memory), std::span<std::byte>(indirect)}) {
                const std::uint64_t offset = at - address(known.data());
                if (offset <= known.size() && length <= known.size() - offset)
                    return known.data() + offset;
            }
            return nullptr;
        };
    }
    [[nodiscard]] Segment segment(std::size_t offset, std::uint32_t length) const {
        return {.address = address(memory.data() + offset), .length = length};
    }
    Descriptor &descriptor(std::size_t i) {
        return reinterpret_cast<Descriptor *>(areas.data())[i];
    }
    Descriptor &table_entry(std::size_t i) {
        return reinterpret_cast<Descriptor *>(indirect.data())[i];
    }
    /// Sets flags of a descriptor, at the place that the layout has for them.
    static void add_flags(Descriptor &of, unsigned flags) {
        of.word |= std::uint64_t{flags} << (Traits::packed ? 48 : 32);
    }
    static void clear_flags(Descriptor &of, unsigned flags) {
        of.word &= ~(std::uint64_t{flags} << (Traits::packed ? 48 : 32));
    }
    static void set_length(Descriptor &of, std::uint32_t length) {
        of.word = (of.word & ~std::uint64_t{0xffffffff}) | length;
    }
    void expect_refused(Error error) {
        for (unsigned i = 0; i < 2; ++i) { // it stays so
            const auto chain = device->next();
            ASSERT_FALSE(chain);
            EXPECT_EQ(chain.error(), error) << describe(chain.error());
        }
    }
    void offer_direct() {
        ring.offer_chain(std::array{segment(0, 10)}, std::array{segment(10, 20), segment(30, 5)},
                         cookie(1));
        EXPECT_TRUE(ring.publish());
    }
    void offer_indirect() {
        ring.offer_indirect(std::array{segment(0, 10)}, std::array{segment(10, 20), segment(30, 5)},
                            cookie(1));
        EXPECT_TRUE(ring.publish());
    }
    void expect_the_chain() {
        const auto chain = device->next();
        ASSERT_TRUE(chain) << describe(chain.error());
        ASSERT_THAT(chain->readable, SizeIs(1));
        EXPECT_EQ(chain->readable[0].data(), memory.data());
        EXPECT_THAT(chain->readable[0], SizeIs(10));
        ASSERT_THAT(chain->writable, SizeIs(2));
        EXPECT_EQ(chain->writable[0].data(), memory.data() + 10);
        EXPECT_THAT(chain->writable[0], SizeIs(20));
        EXPECT_EQ(chain->writable[1].data(), memory.data() + 30);
        EXPECT_THAT(chain->writable[1], SizeIs(5));
        device->push(*chain, 25);
        EXPECT_THAT(take(ring), testing::ElementsAre(Taken{cookie(1), 25}));
        EXPECT_EQ(ring.room(), small_ring);
    }
};

template <typename Ring> struct DeviceRingTest : testing::Test {};
TYPED_TEST_SUITE(DeviceRingTest, AnyOrderRings);

TYPED_TEST(DeviceRingTest, IsEmptyAtFirst) { Subject<TypeParam>{}.expect_refused(Error::empty); }

TYPED_TEST(DeviceRingTest, WalksDirectAndIndirectChainsForManyRounds) {
    Subject<TypeParam> subject;
    for (unsigned round = 0; round < 50; ++round) {
        subject.offer_direct();
        subject.expect_the_chain();
        subject.offer_indirect();
        subject.expect_the_chain();
    }
    subject.expect_refused(Error::empty);
}

TYPED_TEST(DeviceRingTest, SegmentOutsideTheMemoryIsRefused) {
    for (unsigned i = 0; i < 4; ++i) {
        Subject<TypeParam> subject;
        const Segment outside[] = {{.address = 0, .length = 1},
                                   subject.segment(4090, 7),
                                   {.address = subject.segment(0, 0).address - 1, .length = 10},
                                   {.address = ~std::uint64_t{0}, .length = ~std::uint32_t{0}}};
        subject.ring.template offer<Access::read>(outside[i], cookie(1));
        EXPECT_TRUE(subject.ring.publish());
        subject.expect_refused(Error::address);
    }
}

TYPED_TEST(DeviceRingTest, ReadableSegmentAfterAWritableOneIsRefused) {
    Subject<TypeParam> subject;
    subject.offer_direct();
    subject.add_flags(subject.descriptor(0), VRING_DESC_F_WRITE);
    subject.clear_flags(subject.descriptor(1), VRING_DESC_F_WRITE);
    subject.expect_refused(Error::order);
}

TYPED_TEST(DeviceRingTest, IndirectTableOfABrokenLengthIsRefused) {
    for (const std::uint32_t length : {0U, 1U, 15U, 17U}) {
        Subject<TypeParam> subject;
        subject.offer_indirect();
        subject.set_length(subject.descriptor(0), length);
        subject.expect_refused(Error::indirect);
    }
}

TYPED_TEST(DeviceRingTest, IndirectTableOutsideTheMemoryIsRefused) {
    Subject<TypeParam> subject;
    subject.offer_indirect();
    subject.set_length(subject.descriptor(0), 1024 + 16);
    subject.expect_refused(Error::address);
}

TYPED_TEST(DeviceRingTest, UnalignedIndirectTableIsRefused) {
    Subject<TypeParam> subject;
    subject.offer_indirect();
    subject.descriptor(0).address += 1;
    subject.expect_refused(Error::indirect);
}

TYPED_TEST(DeviceRingTest, IndirectDescriptorInAChainIsRefused) {
    Subject<TypeParam> subject;
    subject.offer_indirect();
    subject.add_flags(subject.descriptor(0), VRING_DESC_F_NEXT);
    subject.expect_refused(Error::indirect);
}

TYPED_TEST(DeviceRingTest, DescribesEachError) {
    std::set<std::string_view> words;
    const Error errors[] = {Error::empty,    Error::available_index, Error::index,  Error::endless,
                            Error::indirect, Error::order,           Error::address};
    for (const Error error : errors)
        words.insert(describe(error));
    EXPECT_THAT(words, SizeIs(std::size(errors)));
}

struct SplitDeviceRing : testing::Test {
    Subject<SplitRing<Order::any>> subject;
    std::uint16_t *available() {
        return reinterpret_cast<std::uint16_t *>(subject.areas.data() +
                                                 split_layout(small_ring).driver_area);
    }
    static void set_next(Descriptor &of, std::uint16_t next) {
        of.word = (of.word & ~(std::uint64_t{0xffff} << 48)) | std::uint64_t{next} << 48;
    }
};

TEST_F(SplitDeviceRing, AvailableIndexThatJumpsIsRefused) {
    available()[1] = small_ring + 1;
    subject.expect_refused(Error::available_index);
}

TEST_F(SplitDeviceRing, HeadOutOfRangeIsRefused) {
    subject.offer_direct();
    available()[2] = small_ring;
    subject.expect_refused(Error::index);
}

TEST_F(SplitDeviceRing, NextOutOfRangeIsRefused) {
    subject.offer_direct();
    set_next(subject.descriptor(0), small_ring);
    subject.expect_refused(Error::index);
}

TEST_F(SplitDeviceRing, LoopIsRefused) {
    subject.offer_direct();
    set_next(subject.descriptor(0), 0);
    subject.expect_refused(Error::endless);
}

TEST_F(SplitDeviceRing, LoopInAnIndirectTableIsRefused) {
    subject.offer_indirect();
    set_next(subject.table_entry(0), 0);
    subject.expect_refused(Error::endless);
}

TEST_F(SplitDeviceRing, NextOutsideAnIndirectTableIsRefused) {
    subject.offer_indirect();
    set_next(subject.table_entry(0), 3);
    subject.expect_refused(Error::indirect);
}

TEST_F(SplitDeviceRing, NestedIndirectTableIsRefused) {
    subject.offer_indirect();
    subject.table_entry(2).address = subject.address(subject.indirect.data());
    subject.set_length(subject.table_entry(2), sizeof(Descriptor));
    subject.add_flags(subject.table_entry(2), VRING_DESC_F_INDIRECT);
    subject.expect_refused(Error::indirect);
}

/// Makes the last descriptor of offer_direct() an indirect one, with a table of one segment.
template <typename Ring> void end_with_indirect_table(Subject<Ring> &subject) {
    subject.offer_direct();
    subject.table_entry(0) = subject.descriptor(2);
    subject.descriptor(2).address = subject.address(subject.indirect.data());
    subject.set_length(subject.descriptor(2), sizeof(Descriptor));
    subject.clear_flags(subject.descriptor(2), VRING_DESC_F_WRITE);
    subject.add_flags(subject.descriptor(2), VRING_DESC_F_INDIRECT);
}

// Virtio 1.2, section 2.7, "Indirect Descriptors" allows this.
TEST_F(SplitDeviceRing, ChainMayEndWithAnIndirectTable) {
    end_with_indirect_table(subject);
    subject.expect_the_chain();
}

// Section 2.8 wants an indirect descriptor to be alone.
TEST(PackedDeviceRing, ChainThatEndsWithAnIndirectTableIsRefused) {
    Subject<PackedRing<Order::any>> subject;
    end_with_indirect_table(subject);
    subject.expect_refused(Error::indirect);
}

TEST(PackedDeviceRing, ChainLongerThanTheRingIsRefused) {
    Subject<PackedRing<Order::any>> subject;
    for (unsigned i = 0; i < small_ring; ++i)
        subject.ring.offer<Access::read>(subject.segment(0, 1), cookie(i));
    EXPECT_TRUE(subject.ring.publish());
    for (unsigned i = 0; i < small_ring; ++i)
        subject.add_flags(subject.descriptor(i), VRING_DESC_F_NEXT);
    subject.expect_refused(Error::endless);
}

TEST(PackedDeviceRing, IndirectTableLongerThanTheRingIsRefused) {
    Subject<PackedRing<Order::any>> subject;
    subject.offer_indirect();
    subject.set_length(subject.descriptor(0), 16 * (small_ring + 1));
    for (unsigned i = 0; i <= small_ring; ++i)
        subject.table_entry(i) = subject.table_entry(0);
    subject.expect_refused(Error::endless);
}

} // namespace
} // namespace netvsc::virtio::test
