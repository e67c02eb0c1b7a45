// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/chain.hpp"
#include "ring/fault.hpp"
#include "ring/layout.hpp"
#include "ring/ring.hpp"
#include "ring/shared.hpp"
#include "ring/wire.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace netvsc::virtio {

/// The driver's side of a packed virtqueue (virtio 1.2, section 2.8). See DriverRing.
template <Order order> class alignas(64) PackedRing {
public:
    static constexpr std::uint16_t initial_base = 1U << VRING_PACKED_EVENT_F_WRAP_CTR;

    explicit PackedRing(const RingOptions &options)
        : descriptors_(reinterpret_cast<Descriptor *>(options.memory.areas)),
          driver_event_(reinterpret_cast<PackedEvent *>(
              options.memory.areas + packed_layout(options.entries).driver_area)),
          device_event_(reinterpret_cast<PackedEvent *>(
              options.memory.areas + packed_layout(options.entries).device_area)),
          chains_(options.entries, Chain{}, options.records),
          ids_(options.entries, options.records), memory_(options.memory),
          entries_(options.entries), event_index_(options.event_index) {
        clear();
    }
    PackedRing(const PackedRing &) = delete;
    PackedRing &operator=(const PackedRing &) = delete;

    [[nodiscard]] std::uint16_t room() const { return tail_.room; }
    [[nodiscard]] std::uint16_t indirect_segments() const { return memory_.indirect_segments; }
    [[nodiscard]] Fault fault() const { return fault_; }

    template <Access access> void offer(Segment segment, void *cookie) {
        const std::uint16_t id = ids_.take();
        record(id, cookie, access == Access::write ? segment.length : 0, 1);
        write(segment, id, std::to_underlying(access));
    }

    void offer_chain(std::span<const Segment> readable, std::span<const Segment> writable,
                     void *cookie) {
        const std::size_t count = readable.size() + writable.size();
        const std::uint16_t id = ids_.take();
        ids_.skip(count - 1);
        record(id, cookie, total_length(writable), static_cast<std::uint16_t>(count));
        for (std::size_t i = 0; i < count; ++i) {
            const bool reads = i < readable.size();
            write(reads ? readable[i] : writable[i - readable.size()], id,
                  (reads ? 0U : VRING_DESC_F_WRITE) | (i + 1 == count ? 0U : VRING_DESC_F_NEXT));
        }
    }

    void offer_indirect(std::span<const Segment> readable, std::span<const Segment> writable,
                        void *cookie) {
        const std::uint16_t id = ids_.take();
        const std::size_t first = std::size_t{id} * memory_.indirect_segments;
        auto *table = reinterpret_cast<Descriptor *>(memory_.indirect) + first;
        const std::size_t count = readable.size() + writable.size();
        for (std::size_t i = 0; i < count; ++i) {
            const bool reads = i < readable.size();
            const Segment segment = reads ? readable[i] : writable[i - readable.size()];
            store(table[i].address, segment.address);
            store(table[i].word, packed_word(segment.length, 0, reads ? 0U : VRING_DESC_F_WRITE));
        }
        record(id, cookie, total_length(writable), 1);
        write({.address = memory_.indirect_address + first * sizeof(Descriptor),
               .length = static_cast<std::uint32_t>(count * sizeof(Descriptor))},
              id, VRING_DESC_F_INDIRECT);
    }

    bool publish() {
        if (hidden_ != 0)
            return false;
        std::uint16_t &flags = flags_of(descriptors_[first_]);
        store_release(flags, static_cast<std::uint16_t>(load(flags) ^ packed_both));
        hidden_ = packed_both;
        first_ = next_;
        return true;
    }

    [[nodiscard]] bool needs_kick() {
        full_fence();
        const std::uint16_t added = std::exchange(unkicked_, std::uint16_t{0});
        const PackedEvent event = load(*device_event_);
        const unsigned flags = event >> 16;
        if (!event_index_ || flags != VRING_PACKED_EVENT_FLAG_DESC)
            return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
        // An event in the round before lies this much behind the start of the ring.
        const bool wrap = (event & wrap_bit) != 0;
        const unsigned behind = wrap == available_wrap() ? 0U : entries_;
        const unsigned position = (event & (wrap_bit - 1)) - behind;
        return static_cast<std::uint16_t>(next_ - position - 1) < added;
    }

    template <typename Consume> unsigned take(unsigned most, Consume &&consume) {
        if (fault_ != Fault::none) [[unlikely]]
            return 0;
        // A copy, which the compiler keeps in registers.
        Tail tail = tail_;
        unsigned taken = 0;
        while (taken < most && take_one(tail, consume))
            ++taken;
        tail_ = tail;
        return taken;
    }

    [[nodiscard]] bool enable_calls() {
        const unsigned position = tail_.oldest | (tail_.used_flags != 0 ? wrap_bit : 0U);
        const unsigned flags =
            event_index_ ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_ENABLE;
        store(*driver_event_, position | flags << 16);
        full_fence();
        if constexpr (order == Order::in_order)
            if (tail_.batch.open)
                return true;
        return is_used(load_acquire(descriptors_[tail_.oldest].word), tail_);
    }

    void disable_calls() {
        store(*driver_event_, PackedEvent{VRING_PACKED_EVENT_FLAG_DISABLE} << 16);
    }

    template <typename Release> void reset(Release &&release) {
        for (const Chain &chain : chains_)
            if (chain.descriptors != 0)
                release(chain.cookie);
        clear();
    }

private:
    static constexpr unsigned wrap_bit = 1U << VRING_PACKED_EVENT_F_WRAP_CTR;

    static std::uint16_t &flags_of(Descriptor &descriptor) {
        return reinterpret_cast<std::uint16_t *>(&descriptor)[7];
    }
    [[nodiscard]] bool available_wrap() const { return (available_flags_ & packed_avail) != 0; }

    /// Where taking stands.
    struct Tail {
        [[no_unique_address]] std::conditional_t<order == Order::in_order, Batch, NoBatch> batch;
        unsigned used_flags = packed_both; ///< for the round of `oldest`
        std::uint16_t oldest = 0;          ///< where the next used descriptor is expected
        std::uint16_t room = 0;            ///< free descriptors
    };

    [[nodiscard]] static bool is_used(std::uint64_t word, const Tail &tail) {
        return (((word >> 48) ^ tail.used_flags) & packed_both) == 0;
    }

    void record(std::uint16_t id, void *cookie, std::uint32_t writable, std::uint16_t descriptors) {
        chains_[id] = {
            .cookie = cookie, .writable = writable, .descriptors = descriptors, .link = 0};
        tail_.room -= descriptors;
        unkicked_ += descriptors;
    }

    /// Writes the next descriptor. The first one since publish() stays hidden, and with it all
    /// others: a device reads descriptors in the order of the ring.
    void write(Segment segment, std::uint16_t id, unsigned flags) {
        Descriptor &descriptor = descriptors_[next_];
        store(descriptor.address, segment.address);
        store(descriptor.word,
              packed_word(segment.length, id, flags | (available_flags_ ^ hidden_)));
        hidden_ = 0;
        if (++next_ == entries_) {
            next_ = 0;
            available_flags_ ^= packed_both;
        }
    }

    template <typename Consume>
    [[gnu::always_inline]] inline bool take_one(Tail &tail, Consume &&consume);
    bool is_valid(std::uint16_t id, std::uint32_t length);
    void advance(Tail &tail, std::uint16_t descriptors) const;
    void clear();

    Descriptor *descriptors_;
    PackedEvent *driver_event_;
    PackedEvent *device_event_;
    std::pmr::vector<Chain> chains_;
    IdAllocator<order> ids_;
    RingMemory memory_;
    std::uint16_t entries_;
    std::uint16_t next_ = 0;  ///< where the next descriptor is written
    std::uint16_t first_ = 0; ///< the first descriptor that is not published
    Tail tail_;
    std::uint16_t unkicked_ = 0;              ///< descriptors since the last needs_kick()
    unsigned available_flags_ = packed_avail; ///< for the round of next_
    unsigned hidden_ = packed_both;           ///< 0 while an unpublished descriptor exists
    bool event_index_;
    Fault fault_ = Fault::none;
};

template <Order order>
template <typename Consume>
bool PackedRing<order>::take_one(Tail &tail, Consume &&consume) {
    std::uint16_t id = 0;
    std::uint32_t length = 0;
    bool open = false;
    if constexpr (order == Order::in_order)
        open = tail.batch.open;
    if (!open) {
        // One load, so the device cannot change the id after the check.
        const std::uint64_t word = load_acquire(descriptors_[tail.oldest].word);
        if (!is_used(word, tail))
            return false;
        id = static_cast<std::uint16_t>(word >> 32);
        // Without the flag the length is reserved.
        length = word >> 48 & VRING_DESC_F_WRITE ? static_cast<std::uint32_t>(word) : 0;
        if (!is_valid(id, length)) [[unlikely]]
            return false;
    }
    if constexpr (order == Order::in_order) {
        if (!open)
            tail.batch = {.open = true, .last = id, .length = length};
        id = tail.oldest;
        tail.batch.open = id != tail.batch.last;
        // The device used the chains before the last one completely.
        length = tail.batch.open ? chains_[id].writable : tail.batch.length;
    }
    Chain &chain = chains_[id];
    const auto descriptors = std::exchange(chain.descriptors, std::uint16_t{0});
    ids_.put_back(id);
    advance(tail, descriptors);
    consume(chain.cookie, length);
    return true;
}

template <Order order> bool PackedRing<order>::is_valid(std::uint16_t id, std::uint32_t length) {
    if (id >= entries_ || chains_[id].descriptors == 0) [[unlikely]] {
        fault_ = Fault::unknown_id;
        return false;
    }
    if (length > chains_[id].writable) [[unlikely]] {
        fault_ = Fault::used_length;
        return false;
    }
    return true;
}

/// Moves past a used chain. A loop, because the processor predicts its end: a sum would wait for the
/// loads that lead to the number of descriptors.
template <Order order>
void PackedRing<order>::advance(Tail &tail, std::uint16_t descriptors) const {
    tail.room += descriptors;
    for (; descriptors != 0; --descriptors)
        if (++tail.oldest == entries_) {
            tail.oldest = 0;
            tail.used_flags ^= packed_both;
        }
}

template <Order order> void PackedRing<order>::clear() {
    std::memset(memory_.areas, 0, packed_layout(entries_).size);
    std::ranges::fill(chains_, Chain{});
    ids_.reset(entries_);
    tail_ = {.batch = {}, .used_flags = packed_both, .oldest = 0, .room = entries_};
    next_ = first_ = unkicked_ = 0;
    available_flags_ = packed_avail;
    hidden_ = packed_both;
    fault_ = Fault::none;
}

static_assert(DriverRing<PackedRing<Order::any>> && DriverRing<PackedRing<Order::in_order>>);

} // namespace netvsc::virtio
