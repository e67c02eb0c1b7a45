// SPDX-License-Identifier: BSD-3-Clause
#include "ring/layout.hpp"

#include "ring/wire.hpp"

#include <bit>

namespace netvsc::virtio {
namespace {

std::size_t align(std::size_t offset) {
    return (offset + ring_alignment - 1) & ~(ring_alignment - 1);
}

/// Three areas of these sizes, each on cache lines of its own.
RingLayout lay_out(std::size_t descriptor_area, std::size_t driver_area, std::size_t device_area) {
    const std::size_t driver = align(descriptor_area);
    const std::size_t device = align(driver + driver_area);
    return {.descriptor_area = 0,
            .driver_area = driver,
            .device_area = device,
            .size = align(device + device_area)};
}

} // namespace

bool is_split_size(unsigned entries) {
    return entries <= max_ring_entries && std::has_single_bit(entries);
}

bool is_packed_size(unsigned entries) { return entries >= 1 && entries <= max_ring_entries; }

RingLayout split_layout(std::uint16_t entries) {
    // Each ring ends with the index at which its reader wants a notification.
    return lay_out(sizeof(Descriptor) * entries,
                   sizeof(SplitIndex) + sizeof(std::uint16_t) * (entries + 1U),
                   sizeof(SplitIndex) + sizeof(UsedElement) * entries + sizeof(std::uint16_t));
}

RingLayout packed_layout(std::uint16_t entries) {
    return lay_out(sizeof(Descriptor) * entries, sizeof(PackedEvent), sizeof(PackedEvent));
}

std::size_t indirect_size(std::uint16_t entries, std::uint16_t segments) {
    return sizeof(Descriptor) * entries * segments;
}

} // namespace netvsc::virtio
