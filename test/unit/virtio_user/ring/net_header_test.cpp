// SPDX-License-Identifier: BSD-3-Clause
#include "ring/net_header.hpp"

#include <cstring>
#include <gtest/gtest.h>

namespace netvsc::virtio {
namespace {

constexpr std::uint32_t frame_length = 1514;
constexpr FrameOffloads plain;
constexpr FrameOffloads checksum = {.checksum = PartialChecksum{.start = 34, .offset = 16},
                                    .segmentation = {},
                                    .checksum_valid = false};

FrameOffloads segments(Segmentation::Type type) {
    FrameOffloads offloads = checksum;
    offloads.segmentation = {.type = type, .segment_size = 1460, .header_length = 54};
    return offloads;
}

NetHeader garbage() {
    NetHeader header;
    std::memset(&header, 0xff, sizeof header);
    return header;
}

NetHeader written(const FrameOffloads &offloads) {
    NetHeader header = garbage();
    write_header(header, offloads);
    return header;
}

TEST(NetHeader, PlainFrameHasZeros) {
    constexpr NetHeader zeros = {};
    NetHeader header = garbage();
    write_plain_header(header);
    EXPECT_EQ(std::memcmp(&header, &zeros, sizeof header), 0);
    EXPECT_TRUE(is_plain_header(header));
    header = written(plain);
    EXPECT_EQ(std::memcmp(&header, &zeros, sizeof header), 0);
}

TEST(NetHeader, ReadsWhatItWrites) {
    for (const FrameOffloads &offloads :
         {plain, checksum, segments(Segmentation::Type::tcp4), segments(Segmentation::Type::tcp6)})
        EXPECT_EQ(read_header(written(offloads), frame_length), offloads);
}

TEST(NetHeader, HasTheFieldsOfTheSpecification) {
    const NetHeader header = written(segments(Segmentation::Type::tcp6));
    const std::uint8_t expected[] = {1, 4, 54, 0, 0xb4, 5, 34, 0, 16, 0, 0, 0};
    EXPECT_EQ(std::memcmp(&header, expected, sizeof expected), 0);
    EXPECT_FALSE(is_plain_header(header));
}

TEST(NetHeader, ReportsAVerifiedChecksum) {
    NetHeader header = {};
    header.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    EXPECT_FALSE(is_plain_header(header));
    const auto offloads = read_header(header, frame_length);
    ASSERT_TRUE(offloads);
    EXPECT_TRUE(offloads->checksum_valid);
    EXPECT_FALSE(offloads->checksum);
}

TEST(NetHeader, ChecksumMustLieInTheFrame) {
    EXPECT_TRUE(read_header(written(checksum), 34 + 16 + 2));
    EXPECT_FALSE(read_header(written(checksum), 34 + 16 + 1));
    NetHeader header = written(checksum);
    header.hdr.csum_start = header.hdr.csum_offset = 0xffff;
    EXPECT_FALSE(read_header(header, frame_length));
}

TEST(NetHeader, IgnoresChecksumFieldsWithoutTheFlag) {
    NetHeader header = {};
    header.hdr.csum_start = 0xffff;
    EXPECT_EQ(read_header(header, frame_length), plain);
}

TEST(NetHeader, SegmentationNeedsASize) {
    NetHeader header = written(segments(Segmentation::Type::tcp4));
    header.hdr.gso_size = 0;
    EXPECT_FALSE(read_header(header, frame_length));
}

// Linux' virtio_net_hdr_from_skb() writes this for frames that GRO merged.
TEST(NetHeader, SegmentationMayHaveAVerifiedChecksum) {
    NetHeader header = written(segments(Segmentation::Type::tcp4));
    header.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    const auto offloads = read_header(header, frame_length);
    ASSERT_TRUE(offloads);
    EXPECT_TRUE(offloads->segmentation);
    EXPECT_TRUE(offloads->checksum_valid);
    EXPECT_FALSE(offloads->checksum);
}

TEST(NetHeader, AcceptsTheEcnBit) {
    NetHeader header = written(segments(Segmentation::Type::tcp4));
    header.hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    EXPECT_EQ(read_header(header, frame_length), segments(Segmentation::Type::tcp4));
}

TEST(NetHeader, RefusesOtherSegmentation) {
    for (unsigned type = 0; type < 128; ++type) {
        NetHeader header = written(segments(Segmentation::Type::tcp4));
        header.hdr.gso_type = static_cast<std::uint8_t>(type);
        const bool known = type == VIRTIO_NET_HDR_GSO_NONE || type == VIRTIO_NET_HDR_GSO_TCPV4 ||
                           type == VIRTIO_NET_HDR_GSO_TCPV6;
        EXPECT_EQ(read_header(header, frame_length).has_value(), known) << type;
    }
}

} // namespace
} // namespace netvsc::virtio
