// SPDX-License-Identifier: BSD-3-Clause
#include "mock_device.hpp"

namespace netvsc::virtio::test {
namespace {

constexpr unsigned available_bit = 1U << VRING_PACKED_DESC_F_AVAIL;
constexpr unsigned used_bit = 1U << VRING_PACKED_DESC_F_USED;

} // namespace

MockPackedDevice::MockPackedDevice(std::byte *areas, std::uint16_t entries, bool)
    : entries_(entries) {
    const RingLayout layout = packed_layout(entries);
    descriptors_ = reinterpret_cast<vring_packed_desc *>(areas + layout.descriptor_area);
    driver_event_ = reinterpret_cast<vring_packed_desc_event *>(areas + layout.driver_area);
    device_event_ = reinterpret_cast<vring_packed_desc_event *>(areas + layout.device_area);
}

MockPackedDevice::Position MockPackedDevice::after(Position position, unsigned descriptors) const {
    for (; descriptors != 0; --descriptors)
        if (++position.index == entries_)
            position = {.index = 0, .wrap = !position.wrap};
    return position;
}

bool MockPackedDevice::is_available(Position position) const {
    const unsigned flags = __atomic_load_n(&descriptors_[position.index].flags, __ATOMIC_ACQUIRE);
    const bool available = (flags & available_bit) != 0;
    const bool used = (flags & used_bit) != 0;
    return available == position.wrap && used != position.wrap;
}

std::optional<MockChain> MockPackedDevice::fetch() {
    if (!is_available(fetched_))
        return std::nullopt;
    MockChain chain = {};
    for (bool more = true; more; fetched_ = after(fetched_, 1)) {
        const vring_packed_desc &descriptor = descriptors_[fetched_.index];
        ++chain.descriptors;
        chain.id = descriptor.id;
        more = descriptor.flags & VRING_DESC_F_NEXT;
        const bool indirect = descriptor.flags & VRING_DESC_F_INDIRECT;
        const auto *table =
            indirect ? reinterpret_cast<const vring_packed_desc *>(descriptor.addr) : &descriptor;
        const std::size_t count = indirect ? descriptor.len / sizeof *table : 1;
        for (std::size_t i = 0; i < count; ++i)
            chain.segments.push_back({.address = table[i].addr,
                                      .length = table[i].len,
                                      .writable = (table[i].flags & VRING_DESC_F_WRITE) != 0});
    }
    return chain;
}

void MockPackedDevice::write_used(std::uint16_t id, std::uint32_t written) {
    const unsigned flags =
        (used_.wrap ? available_bit | used_bit : 0) | (written != 0 ? VRING_DESC_F_WRITE : 0U);
    // Length, id and flags by one store: in one thread the driver's wide load would wait for narrow
    // ones.
    auto *end = reinterpret_cast<std::uint64_t *>(&descriptors_[used_.index].len);
    __atomic_store_n(end, written | std::uint64_t{id} << 32 | std::uint64_t{flags} << 48,
                     __ATOMIC_RELEASE);
}

void MockPackedDevice::use(const MockChain &chain, std::uint32_t written) {
    write_used(chain.id, written);
    used_ = after(used_, chain.descriptors);
}

void MockPackedDevice::use_batch(const std::vector<MockChain> &chains, std::uint32_t written) {
    write_used(chains.back().id, written);
    for (const MockChain &chain : chains)
        used_ = after(used_, chain.descriptors);
}

void MockPackedDevice::write_used(std::uint32_t id, std::uint32_t written, std::uint16_t advance) {
    write_used(static_cast<std::uint16_t>(id), written);
    used_ = after(used_, advance);
}

unsigned MockPackedDevice::echo(unsigned most, std::uint32_t written) {
    unsigned count = 0;
    for (; count < most && is_available(fetched_); ++count) {
        write_used(descriptors_[fetched_.index].id, written);
        const bool end = fetched_.index + 1 == entries_;
        fetched_.index = end ? std::uint16_t{0} : static_cast<std::uint16_t>(fetched_.index + 1);
        fetched_.wrap ^= end;
        used_ = fetched_;
    }
    return count;
}

void MockPackedDevice::want_kicks(bool wanted) {
    __atomic_store_n(&device_event_->flags,
                     wanted ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE,
                     __ATOMIC_RELAXED);
}

void MockPackedDevice::want_kick_after(std::uint16_t descriptors) {
    const Position event = after(fetched_, descriptors);
    device_event_->off_wrap = static_cast<std::uint16_t>(
        event.index | (event.wrap ? 1U << VRING_PACKED_EVENT_F_WRAP_CTR : 0));
    device_event_->flags = VRING_PACKED_EVENT_FLAG_DESC;
}

bool MockPackedDevice::call_wanted() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    const Position event = {.index = static_cast<std::uint16_t>(
                                driver_event_->off_wrap & ~(1U << VRING_PACKED_EVENT_F_WRAP_CTR)),
                            .wrap = driver_event_->off_wrap >> VRING_PACKED_EVENT_F_WRAP_CTR != 0};
    bool wanted = false;
    for (; called_ != used_; called_ = after(called_, 1))
        wanted |= driver_event_->flags == VRING_PACKED_EVENT_FLAG_DESC
                      ? event == called_
                      : driver_event_->flags == VRING_PACKED_EVENT_FLAG_ENABLE;
    return wanted;
}

} // namespace netvsc::virtio::test
