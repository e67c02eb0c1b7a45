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

/// The driver's side of a split virtqueue (virtio 1.2, section 2.7). See DriverRing.
template <Order order> class alignas(64) SplitRing {
public:
    static constexpr std::uint16_t initial_base = 0;

    explicit SplitRing(const RingOptions &options)
        : descriptors_(reinterpret_cast<Descriptor *>(options.memory.areas)),
          available_(options.memory.areas + split_layout(options.entries).driver_area),
          used_(options.memory.areas + split_layout(options.entries).device_area),
          chains_(options.entries, Chain{}, options.records),
          ids_(options.entries, options.records), memory_(options.memory),
          entries_(options.entries), event_index_(options.event_index) {
        clear();
    }
    SplitRing(const SplitRing &) = delete;
    SplitRing &operator=(const SplitRing &) = delete;

    [[nodiscard]] std::uint16_t room() const { return tail_.room; }
    [[nodiscard]] std::uint16_t indirect_segments() const { return memory_.indirect_segments; }
    [[nodiscard]] Fault fault() const { return fault_; }

    template <Access access> void offer(Segment segment, void *cookie) {
        const std::uint16_t id = ids_.take();
        write(descriptors_[id], segment, std::to_underlying(access), 0);
        make_available(id, cookie, access == Access::write ? segment.length : 0, 1);
    }

    void offer_chain(std::span<const Segment> readable, std::span<const Segment> writable,
                     void *cookie) {
        const std::size_t count = readable.size() + writable.size();
        const std::uint16_t head = ids_.take();
        std::uint16_t id = head;
        for (std::size_t i = 0; i < count; ++i) {
            const bool reads = i < readable.size();
            const bool last = i + 1 == count;
            const std::uint16_t next = last ? std::uint16_t{0} : ids_.take();
            write(descriptors_[id], reads ? readable[i] : writable[i - readable.size()],
                  (reads ? 0U : VRING_DESC_F_WRITE) | (last ? 0U : VRING_DESC_F_NEXT), next);
            if constexpr (order == Order::any)
                chains_[id].link = next;
            id = next;
        }
        make_available(head, cookie, total_length(writable), static_cast<std::uint16_t>(count));
    }

    void offer_indirect(std::span<const Segment> readable, std::span<const Segment> writable,
                        void *cookie) {
        const std::uint16_t id = ids_.take();
        const std::size_t first = std::size_t{id} * memory_.indirect_segments;
        auto *table = reinterpret_cast<Descriptor *>(memory_.indirect) + first;
        const std::size_t count = readable.size() + writable.size();
        for (std::size_t i = 0; i < count; ++i) {
            const bool reads = i < readable.size();
            const bool last = i + 1 == count;
            write(table[i], reads ? readable[i] : writable[i - readable.size()],
                  (reads ? 0U : VRING_DESC_F_WRITE) | (last ? 0U : VRING_DESC_F_NEXT),
                  static_cast<std::uint16_t>(i + 1));
        }
        write(descriptors_[id],
              {.address = memory_.indirect_address + first * sizeof(Descriptor),
               .length = static_cast<std::uint32_t>(count * sizeof(Descriptor))},
              VRING_DESC_F_INDIRECT, 0);
        make_available(id, cookie, total_length(writable), 1);
    }

    bool publish() {
        if (published_ == offered_)
            return false;
        store_release(available_header().index, offered_);
        published_ = offered_;
        return true;
    }

    [[nodiscard]] bool needs_kick() {
        full_fence();
        const std::uint16_t before = std::exchange(kicked_, published_);
        if (!event_index_)
            return !(load(used_header().flags) & VRING_USED_F_NO_NOTIFY);
        const std::uint16_t event = load(available_event());
        return static_cast<std::uint16_t>(published_ - event - 1) <
               static_cast<std::uint16_t>(published_ - before);
    }

    template <typename Consume> unsigned take(unsigned most, Consume &&consume) {
        const std::uint16_t used = load_acquire(used_header().index);
        const auto waiting = static_cast<std::uint16_t>(used - tail_.taken);
        if (waiting > static_cast<std::uint16_t>(offered_ - tail_.taken)) [[unlikely]]
            return fail(Fault::used_index);
        if (fault_ != Fault::none) [[unlikely]]
            return 0;
        // A copy, which the compiler keeps in registers.
        Tail tail = tail_;
        const unsigned count = std::min<unsigned>(waiting, most);
        unsigned taken = 0;
        while (taken < count && take_one(tail, used, consume))
            ++taken;
        tail_ = tail;
        return taken;
    }

    [[nodiscard]] bool enable_calls() {
        if (event_index_)
            store(used_event(), tail_.taken);
        else
            store(available_header().flags, std::uint16_t{0});
        full_fence();
        return load_acquire(used_header().index) != tail_.taken;
    }

    void disable_calls() {
        if (event_index_) // the device passes this index after 65535 more chains only
            store(used_event(), static_cast<std::uint16_t>(tail_.taken - 1));
        else
            store(available_header().flags, std::uint16_t{VRING_AVAIL_F_NO_INTERRUPT});
    }

    template <typename Release> void reset(Release &&release) {
        for (const Chain &chain : chains_)
            if (chain.descriptors != 0)
                release(chain.cookie);
        clear();
    }

private:
    // The names of areas are the specification's, with the types of ring/wire.hpp.
    SplitIndex &available_header() { return *reinterpret_cast<SplitIndex *>(available_); }
    std::uint16_t *available_ring() {
        return reinterpret_cast<std::uint16_t *>(available_ + sizeof(SplitIndex));
    }
    std::uint16_t &used_event() { return available_ring()[entries_]; }
    SplitIndex &used_header() { return *reinterpret_cast<SplitIndex *>(used_); }
    UsedElement *used_ring() { return reinterpret_cast<UsedElement *>(used_ + sizeof(SplitIndex)); }
    std::uint16_t &available_event() {
        return *reinterpret_cast<std::uint16_t *>(used_ring() + entries_);
    }
    [[nodiscard]] std::uint16_t slot(std::uint16_t index) const {
        return index & static_cast<std::uint16_t>(entries_ - 1);
    }

    static void write(Descriptor &descriptor, Segment segment, unsigned flags, std::uint16_t next) {
        store(descriptor.address, segment.address);
        store(descriptor.word, split_word(segment.length, flags, next));
    }

    void make_available(std::uint16_t id, void *cookie, std::uint32_t writable,
                        std::uint16_t descriptors) {
        Chain &chain = chains_[id];
        chain.cookie = cookie;
        chain.writable = writable;
        chain.descriptors = descriptors;
        if constexpr (order == Order::in_order)
            chain.link = offered_;
        // If the device uses chains in order, the element usually has this value already. The
        // cache line then stays shared with the device.
        std::uint16_t &element = available_ring()[slot(offered_)];
        if (load(element) != id)
            store(element, id);
        ++offered_;
        tail_.room -= descriptors;
    }

    /// Where taking stands.
    struct Tail {
        [[no_unique_address]] std::conditional_t<order == Order::in_order, Batch, NoBatch> batch;
        std::uint16_t taken = 0;  ///< the used index up to which chains were taken
        std::uint16_t oldest = 0; ///< in-order: the head of the oldest chain in flight
        std::uint16_t room = 0;   ///< free descriptors
    };

    template <typename Consume>
    [[gnu::always_inline]] inline bool take_one(Tail &tail, std::uint16_t used, Consume &&consume);
    [[gnu::always_inline]] inline bool open_batch(Tail &tail, std::uint16_t used)
        requires(order == Order::in_order);
    /// Whether the device may have reported these; sets the length to 0 where it does not count.
    bool check_used(std::uint32_t id, std::uint32_t &length);

    [[gnu::cold]] unsigned fail(Fault fault) {
        if (fault_ == Fault::none)
            fault_ = fault;
        return 0;
    }

    void clear();

    Descriptor *descriptors_;
    std::byte *available_;
    std::byte *used_;
    std::pmr::vector<Chain> chains_;
    IdAllocator<order> ids_;
    RingMemory memory_;
    std::uint16_t entries_;
    std::uint16_t offered_ = 0;   ///< the available index after the offered chains
    std::uint16_t published_ = 0; ///< the available index that the device sees
    std::uint16_t kicked_ = 0;    ///< published_ at the last needs_kick()
    Tail tail_;
    bool event_index_;
    Fault fault_ = Fault::none;
};

template <Order order>
template <typename Consume>
bool SplitRing<order>::take_one(Tail &tail, std::uint16_t used, Consume &&consume) {
    std::uint16_t id = 0;
    std::uint32_t length = 0;
    if constexpr (order == Order::any) {
        UsedElement &element = used_ring()[slot(tail.taken)];
        const std::uint32_t used_id = load(element.id);
        length = load(element.length);
        if (!check_used(used_id, length)) [[unlikely]]
            return false;
        id = static_cast<std::uint16_t>(used_id);
    } else {
        if (!tail.batch.open && !open_batch(tail, used)) [[unlikely]]
            return false;
        id = tail.oldest;
        tail.batch.open = id != tail.batch.last;
        // The device used the chains before the last one completely.
        length = tail.batch.open ? chains_[id].writable : tail.batch.length;
    }
    Chain &chain = chains_[id];
    const auto descriptors = std::exchange(chain.descriptors, std::uint16_t{0});
    ++tail.taken;
    tail.room += descriptors;
    if constexpr (order == Order::in_order) {
        tail.oldest = slot(static_cast<std::uint16_t>(id + descriptors));
    } else {
        ids_.put_back(id);
        for (std::uint16_t more = 1; more < descriptors; ++more) {
            id = chains_[id].link;
            ids_.put_back(id);
        }
    }
    consume(chain.cookie, length);
    return true;
}

template <Order order>
bool SplitRing<order>::open_batch(Tail &tail, std::uint16_t used)
    requires(order == Order::in_order)
{
    UsedElement &element = used_ring()[slot(tail.taken)];
    const std::uint32_t used_id = load(element.id);
    std::uint32_t length = load(element.length);
    if (!check_used(used_id, length))
        return false;
    const auto id = static_cast<std::uint16_t>(used_id);
    const auto before = static_cast<std::uint16_t>(chains_[id].link - tail.taken);
    if (before >= static_cast<std::uint16_t>(used - tail.taken)) {
        fail(Fault::wrong_order);
        return false;
    }
    tail.batch = {.open = true, .last = id, .length = length};
    return true;
}

template <Order order> bool SplitRing<order>::check_used(std::uint32_t id, std::uint32_t &length) {
    if (id >= entries_ || chains_[id].descriptors == 0) [[unlikely]] {
        fail(Fault::unknown_id);
        return false;
    }
    if (length > chains_[id].writable) [[unlikely]] {
        if (chains_[id].writable != 0) {
            fail(Fault::used_length);
            return false;
        }
        length = 0; // see DriverRing's take()
    }
    return true;
}

template <Order order> void SplitRing<order>::clear() {
    std::memset(memory_.areas, 0, split_layout(entries_).size);
    std::ranges::fill(chains_, Chain{});
    ids_.reset(entries_);
    tail_ = {.batch = {}, .taken = 0, .oldest = 0, .room = entries_};
    offered_ = published_ = kicked_ = 0;
    fault_ = Fault::none;
}

static_assert(DriverRing<SplitRing<Order::any>> && DriverRing<SplitRing<Order::in_order>>);

} // namespace netvsc::virtio
