// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

// linux/virtio_ring.h's inline functions for the legacy layout are C, and not C++.
#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

namespace netvsc::virtio {

/// A descriptor of a split or packed ring: the address, and everything else in one word. One store
/// writes the word and one load reads it, so that a device cannot change one field between two
/// loads.
///
///     bits   split ring   packed ring
///     0-31   length       length
///     32-47  flags        id
///     48-63  next         flags
struct Descriptor {
    std::uint64_t address;
    std::uint64_t word;
};
static_assert(sizeof(Descriptor) == sizeof(vring_desc));
static_assert(sizeof(Descriptor) == sizeof(vring_packed_desc));

/// The start of the available ring and of the used ring.
struct SplitIndex {
    std::uint16_t flags;
    std::uint16_t index;
};
static_assert(sizeof(SplitIndex) == sizeof(vring_avail));
static_assert(sizeof(SplitIndex) == sizeof(vring_used));

/// A used element: bits 0-31 the id, bits 32-63 the length.
using UsedElement = std::uint64_t;
static_assert(sizeof(UsedElement) == sizeof(vring_used_elem));

/// A packed ring's event suppression structure: bits 0-14 the position, bit 15 the wrap counter,
/// bits 16-31 the flags.
using PackedEvent = std::uint32_t;
static_assert(sizeof(PackedEvent) == sizeof(vring_packed_desc_event));

[[nodiscard]] constexpr std::uint64_t split_word(std::uint32_t length, unsigned flags,
                                                 std::uint16_t next) {
    return length | std::uint64_t{flags} << 32 | std::uint64_t{next} << 48;
}

[[nodiscard]] constexpr std::uint64_t packed_word(std::uint32_t length, std::uint16_t id,
                                                  unsigned flags) {
    return length | std::uint64_t{id} << 32 | std::uint64_t{flags} << 48;
}

/// The flags that make a packed descriptor available or used, by the wrap counter's turn. A
/// descriptor is available if AVAIL is the driver's wrap counter and USED is not. It is used if
/// both are (virtio 1.2, section 2.8.1).
inline constexpr unsigned packed_avail = 1U << VRING_PACKED_DESC_F_AVAIL;
inline constexpr unsigned packed_used = 1U << VRING_PACKED_DESC_F_USED;
inline constexpr unsigned packed_both = packed_avail | packed_used;

} // namespace netvsc::virtio
