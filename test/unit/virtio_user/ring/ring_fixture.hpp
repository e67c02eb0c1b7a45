// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/packed_ring.hpp"
#include "ring/split_ring.hpp"
#include "virtio_user/ring/mock_device.hpp"

#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace netvsc::virtio::test {

/// Memory of a ring, aligned as it must be.
class RingArea {
public:
    explicit RingArea(std::size_t size)
        : data_(static_cast<std::byte *>(::operator new(size, alignment))) {}
    [[nodiscard]] std::byte *data() const { return data_.get(); }

private:
    static constexpr std::align_val_t alignment{ring_alignment};
    struct Delete {
        void operator()(std::byte *data) const { ::operator delete(data, alignment); }
    };
    std::unique_ptr<std::byte, Delete> data_;
};

/// A ring that is soon full.
constexpr std::uint16_t small_ring = 8;

using AllRings = testing::Types<SplitRing<Order::any>, SplitRing<Order::in_order>,
                                PackedRing<Order::any>, PackedRing<Order::in_order>>;
using AnyOrderRings = testing::Types<SplitRing<Order::any>, PackedRing<Order::any>>;

/// What differs between the layouts.
template <typename Ring> struct RingTraits;
template <Order order> struct RingTraits<SplitRing<order>> {
    using Device = MockSplitDevice;
    static constexpr bool packed = false;
    static constexpr bool in_order = order == Order::in_order;
    static RingLayout layout(std::uint16_t entries) { return split_layout(entries); }
};
template <Order order> struct RingTraits<PackedRing<order>> {
    using Device = MockPackedDevice;
    static constexpr bool packed = true;
    static constexpr bool in_order = order == Order::in_order;
    static RingLayout layout(std::uint16_t entries) { return packed_layout(entries); }
};

/// A ring of the type with its memory and its peer.
template <typename Ring> class RingPair {
public:
    using Traits = RingTraits<Ring>;
    static constexpr std::uint16_t indirect_segments = 4;

    explicit RingPair(std::uint16_t entries, bool event_index = false)
        : entries_(entries), event_index_(event_index), area_(Traits::layout(entries).size),
          indirect_(indirect_size(entries, indirect_segments)),
          ring({.entries = entries,
                .memory = {.areas = area_.data(),
                           .indirect = indirect_.data(),
                           .indirect_address = address_of(indirect_.data()),
                           .indirect_segments = indirect_segments},
                .event_index = event_index}),
          device(area_.data(), entries, event_index) {}

    [[nodiscard]] static std::uint64_t address_of(const void *data) {
        return reinterpret_cast<std::uintptr_t>(data);
    }

    [[nodiscard]] std::byte *areas() const { return area_.data(); }
    /// As after the start of a new peer.
    void restart_device() { device = {area_.data(), entries_, event_index_}; }

private:
    std::uint16_t entries_;
    bool event_index_;
    RingArea area_;
    RingArea indirect_;

public:
    Ring ring;
    typename Traits::Device device;
};

/// A cookie that is only a number.
inline void *cookie(std::uintptr_t number) { return reinterpret_cast<void *>(number); }

struct Taken {
    void *cookie;
    std::uint32_t written;
    bool operator==(const Taken &) const = default;
};

template <typename Ring> std::vector<Taken> take(Ring &ring, unsigned most = 65535) {
    std::vector<Taken> taken;
    const unsigned count =
        ring.take(most, [&](void *of, std::uint32_t written) { taken.push_back({of, written}); });
    return count == taken.size() ? taken : std::vector<Taken>{};
}

} // namespace netvsc::virtio::test
