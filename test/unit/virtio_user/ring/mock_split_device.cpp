// SPDX-License-Identifier: BSD-3-Clause
#include "mock_device.hpp"

#include <algorithm>

namespace netvsc::virtio::test {

MockSplitDevice::MockSplitDevice(std::byte *areas, std::uint16_t entries, bool event_index)
    : entries_(entries), event_index_(event_index) {
    const RingLayout layout = split_layout(entries);
    descriptors_ = reinterpret_cast<vring_desc *>(areas + layout.descriptor_area);
    available_ = reinterpret_cast<vring_avail *>(areas + layout.driver_area);
    used_ = reinterpret_cast<vring_used *>(areas + layout.device_area);
}

std::optional<MockChain> MockSplitDevice::fetch() {
    if (__atomic_load_n(&available_->idx, __ATOMIC_ACQUIRE) == fetched_)
        return std::nullopt;
    const std::uint16_t head = available_->ring[fetched_++ % entries_];
    MockChain chain = {.id = head, .descriptors = 0, .segments = {}};
    const vring_desc *table = descriptors_;
    for (std::uint16_t index = head;;) {
        const vring_desc &descriptor = table[index];
        if (table == descriptors_)
            ++chain.descriptors;
        if (descriptor.flags & VRING_DESC_F_INDIRECT) {
            table = reinterpret_cast<const vring_desc *>(descriptor.addr);
            index = 0;
            continue;
        }
        chain.segments.push_back({.address = descriptor.addr,
                                  .length = descriptor.len,
                                  .writable = (descriptor.flags & VRING_DESC_F_WRITE) != 0});
        if (!(descriptor.flags & VRING_DESC_F_NEXT))
            return chain;
        index = descriptor.next;
    }
}

void MockSplitDevice::publish(std::uint16_t used) {
    published_ = static_cast<std::uint16_t>(published_ + used);
    __atomic_store_n(&used_->idx, published_, __ATOMIC_RELEASE);
}

void MockSplitDevice::use(const MockChain &chain, std::uint32_t written) {
    write_used(chain.id, written, 1);
}

void MockSplitDevice::use_batch(const std::vector<MockChain> &chains, std::uint32_t written) {
    write_used(chains.back().id, written, static_cast<std::uint16_t>(chains.size()));
}

void MockSplitDevice::write_used(std::uint32_t id, std::uint32_t written, std::uint16_t advance) {
    used_->ring[published_ % entries_] = {.id = id, .len = written};
    publish(advance);
}

unsigned MockSplitDevice::echo(unsigned most, std::uint32_t written) {
    const auto waiting =
        static_cast<std::uint16_t>(__atomic_load_n(&available_->idx, __ATOMIC_ACQUIRE) - fetched_);
    const auto count = static_cast<std::uint16_t>(std::min<unsigned>(most, waiting));
    const unsigned mask = entries_ - 1U;
    for (unsigned i = 0; i < count; ++i)
        used_->ring[(published_ + i) & mask] = {.id = available_->ring[(fetched_ + i) & mask],
                                                .len = written};
    fetched_ = static_cast<std::uint16_t>(fetched_ + count);
    publish(count);
    return count;
}

void MockSplitDevice::want_kicks(bool wanted) {
    __atomic_store_n(&used_->flags, wanted ? 0 : VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

void MockSplitDevice::want_kick_after(std::uint16_t descriptors) {
    auto *event = reinterpret_cast<std::uint16_t *>(&used_->ring[entries_]);
    *event = static_cast<std::uint16_t>(fetched_ + descriptors);
}

bool MockSplitDevice::call_wanted() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool wanted = false;
    for (; called_ != published_; ++called_)
        wanted |= event_index_ ? available_->ring[entries_] == called_
                               : !(available_->flags & VRING_AVAIL_F_NO_INTERRUPT);
    return wanted;
}

} // namespace netvsc::virtio::test
