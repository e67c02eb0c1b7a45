// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/send_offloads.hpp"

#include <cstddef>

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

namespace netvsc::virtio {
namespace {

bool is_tcp(const rte_mbuf &frame) {
    return (frame.ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ||
           (frame.ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
}

// The checksum of a large segment covers its whole length (Linux: CHECKSUM_PARTIAL), which
// rte_net's functions leave out if they see TCP_SEG.
bool write_pseudo_header(rte_mbuf &frame) {
    const std::size_t l4 = std::size_t{frame.l2_len} + frame.l3_len;
    const std::size_t place =
        l4 + (is_tcp(frame) ? offsetof(rte_tcp_hdr, cksum) : offsetof(rte_udp_hdr, dgram_cksum));
    if (place + sizeof(rte_be16_t) > frame.data_len)
        return false;
    const void *ip = rte_pktmbuf_mtod_offset(&frame, const void *, frame.l2_len);
    auto *checksum = rte_pktmbuf_mtod_offset(&frame, rte_be16_t *, place);
    if ((frame.ol_flags & RTE_MBUF_F_TX_IPV4) != 0)
        *checksum = rte_ipv4_phdr_cksum(static_cast<const rte_ipv4_hdr *>(ip), 0);
    else
        *checksum = rte_ipv6_phdr_cksum(static_cast<const rte_ipv6_hdr *>(ip), 0);
    return true;
}

bool wants_l4_checksum(const rte_mbuf &frame) {
    const std::uint64_t l4 = frame.ol_flags & RTE_MBUF_F_TX_L4_MASK;
    return is_tcp(frame) || l4 == RTE_MBUF_F_TX_UDP_CKSUM;
}

} // namespace

std::uint64_t known_send_flags() {
    return RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG |
           RTE_MBUF_F_TX_VLAN;
}

void write_send_header(NetHeader &header, const rte_mbuf &frame) {
    if (!wants_l4_checksum(frame)) {
        write_plain_header(header);
        return;
    }
    const auto l4 = static_cast<std::uint16_t>(frame.l2_len + frame.l3_len);
    FrameOffloads offloads;
    offloads.checksum = {
        .start = l4,
        .offset = static_cast<std::uint16_t>(is_tcp(frame) ? offsetof(rte_tcp_hdr, cksum)
                                                           : offsetof(rte_udp_hdr, dgram_cksum))};
    if ((frame.ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0)
        offloads.segmentation = {.type = (frame.ol_flags & RTE_MBUF_F_TX_IPV4) != 0
                                             ? Segmentation::Type::tcp4
                                             : Segmentation::Type::tcp6,
                                 .segment_size = static_cast<std::uint16_t>(frame.tso_segsz),
                                 .header_length = static_cast<std::uint16_t>(l4 + frame.l4_len)};
    write_header(header, offloads);
}

std::uint16_t prepare_to_send(void * /*queue*/, rte_mbuf **packets, std::uint16_t count) {
    for (std::uint16_t i = 0; i < count; ++i) {
        rte_mbuf &frame = *packets[i];
        const std::uint64_t unknown =
            frame.ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK & ~known_send_flags();
        const bool sctp = (frame.ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM;
        if (unknown != 0 || sctp ||
            ((frame.ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 && frame.tso_segsz == 0)) {
            rte_errno = ENOTSUP;
            return i;
        }
        // rte_vlan_insert() would move the headers after the checksum was placed: before it.
        if (wants_l4_checksum(frame) && !write_pseudo_header(frame)) {
            rte_errno = EINVAL;
            return i;
        }
    }
    return count;
}

} // namespace netvsc::virtio
