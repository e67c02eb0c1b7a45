// SPDX-License-Identifier: BSD-3-Clause
//
// The checksums of TCP and UDP over IPv4 and IPv6, as a receiver adds them up (RFC 1071).
#include "net_testvf/checksums.hpp"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <numeric>
#include <span>
#include <vector>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace testvf {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint16_t folded_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); i++)
        sum += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

/// A frame with wrong checksums everywhere.
class Frame {
public:
    /// @param protocol  IPPROTO_TCP or IPPROTO_UDP
    Frame(bool ipv6, std::uint8_t protocol, std::size_t payload)
        : ipv6_(ipv6), protocol_(protocol), l3_(ipv6 ? sizeof(rte_ipv6_hdr) : sizeof(rte_ipv4_hdr)),
          l4_(protocol == IPPROTO_TCP ? sizeof(rte_tcp_hdr) : sizeof(rte_udp_hdr)),
          bytes_(l2 + l3_ + l4_ + payload) {
        // No two bytes in a row are the same, so no order of them is the same either.
        std::iota(bytes_.begin(), bytes_.end(), 1);
        const auto length = static_cast<std::uint16_t>(l4_ + payload);
        if (ipv6) {
            at(l2) = 0x60;
            write_length(l2 + 4, length);
            at(l2 + 6) = protocol;
        } else {
            at(l2) = 0x45;
            write_length(l2 + 2, static_cast<std::uint16_t>(l3_ + length));
            at(l2 + 9) = protocol;
        }
        if (protocol == IPPROTO_UDP)
            write_length(l2 + l3_ + 4, length);
        split(bytes_.size());
    }

    /// The first segment ends there.
    void split(std::size_t end) {
        rest_ = Bytes(bytes_.begin() + static_cast<std::ptrdiff_t>(end), bytes_.end());
        bytes_.resize(end);
        segments_ = {segment(bytes_), segment(rest_)};
        rte_mbuf &first = segments_[0];
        first.pkt_len += segments_[1].data_len;
        if (!rest_.empty()) {
            first.nb_segs = 2;
            first.next = &segments_[1];
        }
        first.l2_len = l2;
        first.l3_len = static_cast<std::uint16_t>(l3_) & 0x1ff;
    }

    bool write(std::uint64_t flags) {
        segments_[0].ol_flags = flags | (ipv6_ ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
        return write_checksums(segments_[0]);
    }

    [[nodiscard]] Bytes contents() const {
        Bytes all = bytes_;
        all.insert(all.end(), rest_.begin(), rest_.end());
        return all;
    }

    [[nodiscard]] bool ip_is_right() const {
        return folded_sum(std::span(bytes_).subspan(l2, l3_)) == UINT16_MAX;
    }

    /// With the pseudo-header: addresses, protocol, length.
    [[nodiscard]] bool layer4_is_right() const {
        const Bytes all = contents();
        const std::span<const std::uint8_t> frame(all);
        const std::size_t addresses = ipv6_ ? 32 : 8;
        const auto segment = frame.subspan(l2 + l3_);
        const std::uint32_t pseudo =
            folded_sum(frame.subspan(l2 + l3_ - addresses, addresses), protocol_) +
            static_cast<std::uint32_t>(segment.size());
        return folded_sum(segment, pseudo) == UINT16_MAX;
    }

private:
    static constexpr std::size_t l2 = 14;

    static rte_mbuf segment(Bytes &bytes) {
        rte_mbuf mbuf = {};
        mbuf.buf_addr = bytes.data();
        mbuf.data_len = static_cast<std::uint16_t>(bytes.size());
        mbuf.pkt_len = mbuf.data_len;
        mbuf.nb_segs = 1;
        return mbuf;
    }

    std::uint8_t &at(std::size_t offset) { return bytes_.at(offset); }
    void write_length(std::size_t offset, std::uint16_t length) {
        at(offset) = static_cast<std::uint8_t>(length >> 8);
        at(offset + 1) = static_cast<std::uint8_t>(length);
    }

    bool ipv6_;
    std::uint8_t protocol_;
    std::size_t l3_, l4_;
    Bytes bytes_, rest_;
    std::vector<rte_mbuf> segments_;
};

constexpr std::size_t odd_payload = 7;

TEST(Checksums, WithoutARequestTheFrameStays) {
    Frame frame(false, IPPROTO_UDP, odd_payload);
    const Bytes before = frame.contents();
    EXPECT_TRUE(frame.write(0));
    EXPECT_EQ(frame.contents(), before);
    EXPECT_FALSE(frame.ip_is_right());
    EXPECT_FALSE(frame.layer4_is_right());
}

TEST(Checksums, EachIsWrittenByItself) {
    Frame ip(false, IPPROTO_UDP, odd_payload);
    EXPECT_TRUE(ip.write(RTE_MBUF_F_TX_IP_CKSUM));
    EXPECT_TRUE(ip.ip_is_right());
    EXPECT_FALSE(ip.layer4_is_right());

    Frame udp(false, IPPROTO_UDP, odd_payload);
    EXPECT_TRUE(udp.write(RTE_MBUF_F_TX_UDP_CKSUM));
    EXPECT_FALSE(udp.ip_is_right());
    EXPECT_TRUE(udp.layer4_is_right());
}

TEST(Checksums, TcpAndUdpOverIpv4AndIpv6) {
    for (const bool ipv6 : {false, true})
        for (const auto &[protocol, flag] :
             {std::pair<std::uint8_t, std::uint64_t>{IPPROTO_TCP, RTE_MBUF_F_TX_TCP_CKSUM},
              {IPPROTO_UDP, RTE_MBUF_F_TX_UDP_CKSUM}}) {
            SCOPED_TRACE(testing::Message()
                         << (ipv6 ? "IPv6" : "IPv4") << ", protocol " << +protocol);
            Frame frame(ipv6, protocol, odd_payload);
            EXPECT_TRUE(frame.write(flag));
            EXPECT_TRUE(frame.layer4_is_right());
        }
}

TEST(Checksums, WrittenAgainTheyAreTheSame) {
    Frame frame(false, IPPROTO_TCP, odd_payload);
    EXPECT_TRUE(frame.write(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM));
    const Bytes once = frame.contents();
    EXPECT_TRUE(frame.write(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM));
    EXPECT_EQ(frame.contents(), once);
}

TEST(Checksums, PayloadInASecondSegment) {
    Frame frame(false, IPPROTO_UDP, odd_payload);
    frame.split(frame.contents().size() - odd_payload + 3);
    EXPECT_TRUE(frame.write(RTE_MBUF_F_TX_UDP_CKSUM));
    EXPECT_TRUE(frame.layer4_is_right());
}

TEST(Checksums, AFrameShorterThanItsHeadersIsRefused) {
    Frame frame(false, IPPROTO_UDP, 0);
    frame.split(frame.contents().size() - 1);
    const Bytes before = frame.contents();
    EXPECT_FALSE(frame.write(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM));
    EXPECT_EQ(frame.contents(), before);
}

} // namespace
} // namespace testvf
