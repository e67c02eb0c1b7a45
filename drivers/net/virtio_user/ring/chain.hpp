// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/wire.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace netvsc::virtio {

/// A part of a buffer: its address in the device's address space, and its length in bytes.
struct Segment {
    std::uint64_t address;
    std::uint32_t length;
};

/// What the device does with a segment. The value is the descriptor's flag.
enum class Access : std::uint16_t { read = 0, write = VRING_DESC_F_WRITE };

/// In which order the device uses chains. `in_order` needs VIRTIO_F_IN_ORDER.
enum class Order : bool { any, in_order };

/// The driver's own record of a chain in flight, by its id. The device cannot reach it.
struct Chain {
    void *cookie;
    std::uint32_t writable;    ///< bytes that the device may write
    std::uint16_t descriptors; ///< in the ring; 0: no chain of this id is in flight
    /// A split ring's: the available index of the chain (in-order), or the next descriptor of the
    /// chain (any order).
    std::uint16_t link;
};
static_assert(sizeof(Chain) == 16);

/// The bytes of all segments.
[[nodiscard]] inline std::uint32_t total_length(std::span<const Segment> segments) {
    std::uint32_t total = 0;
    for (const Segment &segment : segments)
        total += segment.length;
    return total;
}

/// Chooses the ids of chains. Devices mostly use chains in order, whatever was negotiated. So free
/// ids form a queue, and descriptors are written one after the other.
template <Order> class IdAllocator {
public:
    IdAllocator(std::uint16_t entries, std::pmr::memory_resource *resource)
        : ids_(std::bit_ceil(std::size_t{entries}), resource), mask_(ids_.size() - 1) {
        reset(entries);
    }

    [[nodiscard]] std::uint16_t take() { return ids_[first_++ & mask_]; }
    void skip(std::size_t) {}
    void put_back(std::uint16_t id) { ids_[last_++ & mask_] = id; }
    void reset(std::uint16_t entries) {
        first_ = 0;
        last_ = entries;
        for (std::uint16_t id = 0; id < entries; ++id)
            ids_[id] = id;
    }

private:
    std::pmr::vector<std::uint16_t> ids_; ///< a power of two of elements
    std::size_t mask_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

/// With VIRTIO_F_IN_ORDER an id is the position of the chain's first descriptor in the ring.
template <> class IdAllocator<Order::in_order> {
public:
    IdAllocator(std::uint16_t entries, std::pmr::memory_resource *) : entries_(entries) {}

    [[nodiscard]] std::uint16_t take() {
        const auto id = static_cast<std::uint16_t>(next_);
        skip(1);
        return id;
    }
    /// Leaves out the positions of a chain's further descriptors.
    void skip(std::size_t descriptors) {
        next_ += descriptors;
        if (next_ >= entries_)
            next_ -= entries_;
    }
    void put_back(std::uint16_t) {}
    void reset(std::uint16_t) { next_ = 0; }

private:
    std::size_t next_ = 0;
    std::size_t entries_;
};

/// An in-order device reports the use of several chains by the id of the last one (virtio 1.2,
/// sections 2.7.9 and 2.8.7). The batch stays open until its last chain is taken.
struct Batch {
    bool open = false;
    std::uint16_t last = 0;   ///< the id of the last chain
    std::uint32_t length = 0; ///< what the device wrote into the last chain
};

/// In place of a Batch in a ring of any order.
struct NoBatch {};

} // namespace netvsc::virtio
