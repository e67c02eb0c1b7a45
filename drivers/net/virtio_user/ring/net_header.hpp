// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/virtio_net.hpp"

#include <cstdint>
#include <cstring>
#include <optional>

namespace netvsc::virtio {

/// The header before each frame. With VIRTIO_F_VERSION_1 its length is the same with and without
/// mergeable buffers (virtio 1.2, section 5.1.6).
using NetHeader = virtio_net_hdr_mrg_rxbuf;
static_assert(sizeof(NetHeader) == 12);

/// A checksum that the receiver of a frame completes: ones' complement from `start` to the end of
/// the frame, stored `offset` bytes after `start`.
struct PartialChecksum {
    std::uint16_t start;
    std::uint16_t offset;
    bool operator==(const PartialChecksum &) const = default;
};

/// A frame that is cut into TCP segments of at most `segment_size` bytes of payload.
struct Segmentation {
    enum class Type : std::uint8_t { tcp4, tcp6 };
    Type type;
    std::uint16_t segment_size;  ///< not 0
    std::uint16_t header_length; ///< of all headers; a hint in received frames, maybe 0
    bool operator==(const Segmentation &) const = default;
};

/// What a virtio-net header says about its frame.
struct FrameOffloads {
    std::optional<PartialChecksum> checksum;
    std::optional<Segmentation> segmentation;
    bool checksum_valid = false; ///< received frames: the device verified the checksum
    bool operator==(const FrameOffloads &) const = default;
};

/// Writes a header for a frame without offloads.
inline void write_plain_header(NetHeader &header) { std::memset(&header, 0, sizeof header); }

/// Whether a received header says nothing about its frame. One comparison: most frames are plain.
/// num_buffers is left out.
[[nodiscard]] inline bool is_plain_header(const NetHeader &header) {
    return (header.hdr.flags | header.hdr.gso_type) == 0;
}

/// Writes a header for a frame to send.
/// @param offloads  segmentation needs a checksum (virtio 1.2, section 5.1.6.2)
void write_header(NetHeader &header, const FrameOffloads &offloads);

/// Reads the header of a received frame.
/// @param frame_length  in bytes, without the header
/// @return nullopt for a header that the specification does not allow, or that points beyond the
///         frame: the frame is malformed, and the caller drops and counts it
[[nodiscard]] std::optional<FrameOffloads> read_header(const NetHeader &header,
                                                       std::uint32_t frame_length);

} // namespace netvsc::virtio
