// SPDX-License-Identifier: BSD-3-Clause
#include "ring/layout.hpp"

#include <gtest/gtest.h>

namespace netvsc::virtio {
namespace {

TEST(Layout, SplitRingsHaveAPowerOfTwo) {
    for (const unsigned entries : {1U, 2U, 256U, 32768U})
        EXPECT_TRUE(is_split_size(entries)) << entries;
    for (const unsigned entries : {0U, 3U, 255U, 32769U, 65536U})
        EXPECT_FALSE(is_split_size(entries)) << entries;
}

TEST(Layout, PackedRingsHaveAnySize) {
    for (const unsigned entries : {1U, 3U, 255U, 32768U})
        EXPECT_TRUE(is_packed_size(entries)) << entries;
    for (const unsigned entries : {0U, 32769U, 65536U})
        EXPECT_FALSE(is_packed_size(entries)) << entries;
}

// The sizes of the areas are of virtio 1.2, sections 2.7 and 2.8.10.1.
void expect_apart(const RingLayout &layout, std::size_t descriptors, std::size_t driver,
                  std::size_t device) {
    EXPECT_EQ(layout.descriptor_area, 0U);
    EXPECT_GE(layout.driver_area, layout.descriptor_area + descriptors);
    EXPECT_GE(layout.device_area, layout.driver_area + driver);
    EXPECT_GE(layout.size, layout.device_area + device);
    EXPECT_LT(layout.size, descriptors + driver + device + 3 * ring_alignment);
    for (const std::size_t offset : {layout.driver_area, layout.device_area, layout.size})
        EXPECT_EQ(offset % ring_alignment, 0U);
}

TEST(Layout, SplitAreasDoNotOverlap) {
    for (const unsigned entries : {1U, 2U, 256U, 32768U})
        expect_apart(split_layout(static_cast<std::uint16_t>(entries)), 16 * entries,
                     6 + 2 * entries, 6 + 8 * entries);
}

TEST(Layout, PackedAreasDoNotOverlap) {
    for (const unsigned entries : {1U, 3U, 255U, 32768U})
        expect_apart(packed_layout(static_cast<std::uint16_t>(entries)), 16 * entries, 4, 4);
}

TEST(Layout, EachEntryHasAnIndirectTable) { EXPECT_EQ(indirect_size(256, 8), 256U * 8 * 16); }

} // namespace
} // namespace netvsc::virtio
