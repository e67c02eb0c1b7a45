// SPDX-License-Identifier: BSD-3-Clause
#include "checksums.hpp"

#include <cstddef>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace testvf {

namespace {

/// Where the checksum of layer 4 is in its header; nothing is to be written if `header` is 0.
struct Layer4 {
    std::uint16_t header;
    std::uint16_t checksum;
};

Layer4 layer4_of(const rte_mbuf &frame) {
    switch (frame.ol_flags & RTE_MBUF_F_TX_L4_MASK) {
    case RTE_MBUF_F_TX_TCP_CKSUM:
        return {sizeof(rte_tcp_hdr), offsetof(rte_tcp_hdr, cksum)};
    case RTE_MBUF_F_TX_UDP_CKSUM:
        return {sizeof(rte_udp_hdr), offsetof(rte_udp_hdr, dgram_cksum)};
    default:
        return {0, 0};
    }
}

} // namespace

bool write_checksums(rte_mbuf &frame) noexcept {
    const bool ip_checksum = (frame.ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0;
    const bool ipv6 = (frame.ol_flags & RTE_MBUF_F_TX_IPV6) != 0;
    const Layer4 layer4 = layer4_of(frame);
    if (!ip_checksum && layer4.header == 0)
        return true;
    const std::uint16_t ip_header = ipv6 ? sizeof(rte_ipv6_hdr) : sizeof(rte_ipv4_hdr);
    const unsigned l4 = frame.l2_len + frame.l3_len;
    if (frame.l3_len < ip_header || l4 + layer4.header > frame.data_len)
        return false;

    void *ip = rte_pktmbuf_mtod_offset(&frame, void *, frame.l2_len);
    if (ip_checksum) {
        auto *header = static_cast<rte_ipv4_hdr *>(ip);
        header->hdr_checksum = 0;
        header->hdr_checksum = rte_ipv4_cksum(header);
    }
    if (layer4.header == 0)
        return true;
    // It holds the pseudo-header's checksum: a NIC adds to it, but these functions expect 0.
    auto *checksum = rte_pktmbuf_mtod_offset(&frame, rte_be16_t *, l4 + layer4.checksum);
    *checksum = 0;
    const auto offset = static_cast<std::uint16_t>(l4);
    *checksum =
        ipv6 ? rte_ipv6_udptcp_cksum_mbuf(&frame, static_cast<const rte_ipv6_hdr *>(ip), offset)
             : rte_ipv4_udptcp_cksum_mbuf(&frame, static_cast<const rte_ipv4_hdr *>(ip), offset);
    return true;
}

} // namespace testvf
