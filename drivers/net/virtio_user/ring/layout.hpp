// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace netvsc::virtio {

inline constexpr unsigned max_ring_entries = 32768; ///< virtio 1.2, sections 2.7 and 2.8

/// The alignment of a ring's memory. Two cache lines, because processors prefetch pairs of lines:
/// what the driver writes and what the device writes never share a pair.
inline constexpr std::size_t ring_alignment = 128;

/// Where the three areas of a ring lie, in bytes from the start of its memory. The names are the
/// specification's: a split ring's driver area is the available ring, its device area the used
/// ring. A packed ring has an event suppression structure in each.
struct RingLayout {
    std::size_t descriptor_area;
    std::size_t driver_area;
    std::size_t device_area;
    std::size_t size;
};

/// A split ring has a power of two of entries, at most 32768.
[[nodiscard]] bool is_split_size(unsigned entries);
/// A packed ring has 1 to 32768 entries.
[[nodiscard]] bool is_packed_size(unsigned entries);

/// @param entries  is_split_size
[[nodiscard]] RingLayout split_layout(std::uint16_t entries);
/// @param entries  is_packed_size
[[nodiscard]] RingLayout packed_layout(std::uint16_t entries);

/// The memory for indirect tables of so many segments, one table for each entry of a ring.
[[nodiscard]] std::size_t indirect_size(std::uint16_t entries, std::uint16_t segments);

/// The memory of one ring. The caller owns it, and shares it with the device.
struct RingMemory {
    std::byte *areas = nullptr; ///< RingLayout::size bytes, aligned to ring_alignment
    /// indirect_size() bytes, aligned to 16; nullptr without VIRTIO_F_INDIRECT_DESC
    std::byte *indirect = nullptr;
    std::uint64_t indirect_address = 0;  ///< of `indirect`, in the device's address space
    std::uint16_t indirect_segments = 0; ///< how many segments each table has
};

} // namespace netvsc::virtio
