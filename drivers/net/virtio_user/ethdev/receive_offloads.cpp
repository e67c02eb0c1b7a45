// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/receive_offloads.hpp"

#include <algorithm>

#include <rte_mbuf.h>
#include <rte_net.h>

namespace netvsc::virtio {
namespace {

// A TCP or UDP frame without a tunnel: the mbuf's flags are about its checksum.
bool has_flags(std::uint32_t type) {
    const std::uint32_t l4 = type & RTE_PTYPE_L4_MASK;
    return (l4 == RTE_PTYPE_L4_TCP || l4 == RTE_PTYPE_L4_UDP) && !RTE_ETH_IS_TUNNEL_PKT(type);
}

std::uint32_t l4_offset(const rte_net_hdr_lens &lengths) {
    return std::uint32_t{lengths.l2_len} + lengths.l3_len;
}

// Frames of other protocols with a partial checksum: the driver completes it.
bool complete(rte_mbuf &frame, const PartialChecksum &checksum) {
    std::uint16_t sum = 0;
    if (rte_raw_cksum_mbuf(&frame, checksum.start, frame.pkt_len - checksum.start, &sum) != 0)
        return false;
    const std::uint32_t place = std::uint32_t{checksum.start} + checksum.offset;
    if (place + sizeof sum > frame.data_len)
        return false;
    *rte_pktmbuf_mtod_offset(&frame, rte_be16_t *, place) =
        sum == 0xffff ? sum : static_cast<std::uint16_t>(~sum);
    return true;
}

} // namespace

bool apply_receive_offloads(rte_mbuf &frame, const NetHeader &header) {
    const auto offloads = read_header(header, frame.pkt_len);
    if (!offloads)
        return false;
    rte_net_hdr_lens lengths{};
    frame.packet_type = rte_net_get_ptype(&frame, &lengths, RTE_PTYPE_ALL_MASK);
    const bool known = has_flags(frame.packet_type);
    if (offloads->checksum) {
        // The data never left the machine: right in the mbuf's sense, without a checksum.
        if (known && offloads->checksum->start == l4_offset(lengths))
            frame.ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
        else if (!complete(frame, *offloads->checksum))
            return false;
    } else if (offloads->checksum_valid && known) {
        frame.ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    }
    if (offloads->segmentation) {
        frame.ol_flags |= RTE_MBUF_F_RX_LRO;
        frame.tso_segsz = offloads->segmentation->segment_size;
    }
    return true;
}

} // namespace netvsc::virtio
