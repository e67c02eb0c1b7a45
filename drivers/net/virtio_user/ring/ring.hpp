// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/chain.hpp"
#include "ring/fault.hpp"
#include "ring/layout.hpp"

#include <concepts>
#include <cstdint>
#include <memory_resource>
#include <span>

namespace netvsc::virtio {

/// What start-up decided about a ring, besides its type.
struct RingOptions {
    std::uint16_t entries = 0;
    RingMemory memory;
    bool event_index = false; ///< VIRTIO_F_EVENT_IDX was negotiated
    /// Where the ring's own records lie. The device has no access to it.
    std::pmr::memory_resource *records = std::pmr::get_default_resource();
};

/// The driver's side of a virtqueue: SplitRing and PackedRing, each in any order or in order. A
/// data path is a template over the ring's type, and start-up selects the instance. So no packet
/// pays for a choice that start-up made.
///
/// One burst is:
///
///     ring.take(32, [&](void *cookie, std::uint32_t length) { ... });
///     for (...)
///         if (ring.room() >= needed)
///             ring.offer<Access::read>({address, length}, cookie);
///     if (ring.publish() && ring.needs_kick())
///         kick();
///
/// A ring belongs to one thread at a time. No function allocates, blocks or throws, except the
/// constructor (std::bad_alloc). The functions that offer check nothing: the caller compares room()
/// with what it needs, once for each burst or chain.
template <typename Ring>
concept DriverRing = requires(Ring ring, const Ring constant, Segment segment, void *cookie,
                              std::span<const Segment> segments,
                              void (*consume)(void *, std::uint32_t), void (*release)(void *)) {
    requires std::constructible_from<Ring, const RingOptions &>;

    /// Free descriptors. A direct chain needs one for each segment, an indirect one needs one.
    { constant.room() } -> std::same_as<std::uint16_t>;
    /// How many segments an indirect chain may have; 0 without indirect descriptors.
    { constant.indirect_segments() } -> std::same_as<std::uint16_t>;

    /// Offers a chain of one segment, which the device reads or writes.
    ring.template offer<Access::read>(segment, cookie);
    ring.template offer<Access::write>(segment, cookie);
    /// Offers a chain in the ring itself: first what the device reads, then what it writes. At
    /// least one segment, at most room().
    ring.offer_chain(segments, segments, cookie);
    /// The same in an indirect table: at least one segment, at most indirect_segments().
    ring.offer_indirect(segments, segments, cookie);

    /// Makes all chains offered since the last call visible to the device. One barrier.
    /// @return whether there were any
    { ring.publish() } -> std::same_as<bool>;
    /// Whether the device wants a kick for what was published since the last call. One full
    /// barrier.
    { ring.needs_kick() } -> std::same_as<bool>;

    /// Takes at most so many used chains and passes the cookie of each, and the number of bytes
    /// that the device wrote, to the function. The number never exceeds what was offered. Offered
    /// chains are published first.
    /// @return how many; fewer than used if the device made a fault
    { ring.take(1U, consume) } -> std::same_as<unsigned>;

    /// Asks the device for a call at the next used chain.
    /// @return whether a used chain waits already. The device may have made no call for it.
    { ring.enable_calls() } -> std::same_as<bool>;
    ring.disable_calls();

    /// What the device did wrong. Only reset() clears it.
    { constant.fault() } -> std::same_as<Fault>;
    /// The ring as after construction. Passes the cookie of each chain in flight to the function.
    /// The device has stopped the ring.
    ring.reset(release);
    /// What SET_VRING_BASE needs for a new or reset ring.
    { Ring::initial_base } -> std::convertible_to<std::uint16_t>;
};

} // namespace netvsc::virtio
