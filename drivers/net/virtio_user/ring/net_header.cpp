// SPDX-License-Identifier: BSD-3-Clause
#include "ring/net_header.hpp"

namespace netvsc::virtio {

void write_header(NetHeader &header, const FrameOffloads &offloads) {
    write_plain_header(header);
    if (offloads.checksum) {
        header.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header.hdr.csum_start = offloads.checksum->start;
        header.hdr.csum_offset = offloads.checksum->offset;
    }
    if (offloads.segmentation) {
        header.hdr.gso_type = offloads.segmentation->type == Segmentation::Type::tcp4
                                  ? VIRTIO_NET_HDR_GSO_TCPV4
                                  : VIRTIO_NET_HDR_GSO_TCPV6;
        header.hdr.gso_size = offloads.segmentation->segment_size;
        header.hdr.hdr_len = offloads.segmentation->header_length;
    }
}

std::optional<FrameOffloads> read_header(const NetHeader &header, std::uint32_t frame_length) {
    // The device may change its memory at any time: read it once.
    const virtio_net_hdr copy = header.hdr;
    FrameOffloads offloads;
    if (copy.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        const std::uint32_t end = std::uint32_t{copy.csum_start} + copy.csum_offset + 2;
        if (end > frame_length)
            return std::nullopt;
        offloads.checksum = {.start = copy.csum_start, .offset = copy.csum_offset};
    }
    offloads.checksum_valid = copy.flags & VIRTIO_NET_HDR_F_DATA_VALID;

    switch (copy.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return offloads;
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        break;
    default:
        return std::nullopt;
    }
    if (copy.gso_size == 0)
        return std::nullopt;
    offloads.segmentation = {.type = (copy.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) ==
                                             VIRTIO_NET_HDR_GSO_TCPV4
                                         ? Segmentation::Type::tcp4
                                         : Segmentation::Type::tcp6,
                             .segment_size = copy.gso_size,
                             .header_length = copy.hdr_len};
    return offloads;
}

} // namespace netvsc::virtio
