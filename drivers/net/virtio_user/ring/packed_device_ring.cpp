// SPDX-License-Identifier: BSD-3-Clause
#include "ring/chain_builder.hpp"
#include "ring/device_ring.hpp"
#include "ring/shared.hpp"
#include "ring/wire.hpp"

#include <utility>

namespace netvsc::virtio {
namespace {

/// A place in a packed ring: the index, and the wrap counter of its round.
struct Position {
    std::uint16_t index = 0;
    bool wrap = true;

    void advance(std::size_t descriptors, std::size_t entries) {
        const std::size_t next = index + descriptors;
        wrap ^= next >= entries;
        index = static_cast<std::uint16_t>(next >= entries ? next - entries : next);
    }
};

unsigned flags_of(std::uint64_t word) { return static_cast<unsigned>(word >> 48); }

class PackedDeviceRing final : public DeviceRing {
public:
    PackedDeviceRing(std::byte *areas, std::uint16_t entries, Translate translate)
        : descriptors_(reinterpret_cast<Descriptor *>(areas), entries),
          translate_(std::move(translate)) {}

    std::expected<DeviceChain, Error> next() override {
        std::uint64_t word = load_acquire(descriptors_[next_.index].word);
        if ((flags_of(word) & packed_both) != (next_.wrap ? packed_avail : packed_used))
            return std::unexpected(Error::empty);

        ChainBuilder builder(translate_, descriptors_.size());
        DeviceChain &chain = builder.chain;
        Position position = next_;
        for (;;) {
            const std::uint64_t address = load(descriptors_[position.index].address);
            const auto appended = append(builder, address, word);
            if (!appended)
                return std::unexpected(appended.error());
            position.advance(1, descriptors_.size());
            ++chain.descriptors;
            if (!(flags_of(word) & VRING_DESC_F_NEXT))
                break;
            word = load(descriptors_[position.index].word);
        }
        // The last descriptor of a chain has the id (virtio 1.2, section 2.8.6).
        chain.id = static_cast<std::uint16_t>(word >> 32);
        next_ = position;
        return std::move(chain);
    }

    void push(const DeviceChain &chain, std::uint32_t written) override {
        const unsigned flags =
            (used_.wrap ? packed_both : 0) | (written != 0 ? VRING_DESC_F_WRITE : 0);
        store_release(descriptors_[used_.index].word, packed_word(written, chain.id, flags));
        used_.advance(chain.descriptors, descriptors_.size());
    }

private:
    static ChainBuilder::Result append(ChainBuilder &builder, std::uint64_t address,
                                       std::uint64_t word) {
        const auto length = static_cast<std::uint32_t>(word);
        if (!(flags_of(word) & VRING_DESC_F_INDIRECT))
            return builder.append(address, length, flags_of(word) & VRING_DESC_F_WRITE);
        // An indirect descriptor is a chain by itself.
        if (flags_of(word) & VRING_DESC_F_NEXT || builder.chain.descriptors != 0)
            return std::unexpected(Error::indirect);
        const auto table = builder.indirect_table(address, length);
        if (!table)
            return std::unexpected(table.error());
        for (Descriptor &descriptor : *table) {
            const std::uint64_t entry = load(descriptor.word);
            const auto appended =
                builder.append(load(descriptor.address), static_cast<std::uint32_t>(entry),
                               flags_of(entry) & VRING_DESC_F_WRITE);
            if (!appended)
                return appended;
        }
        return {};
    }

    std::span<Descriptor> descriptors_;
    Translate translate_;
    Position next_; ///< of the next available chain
    Position used_; ///< where the next used descriptor goes
};

} // namespace

std::unique_ptr<DeviceRing> make_packed_device_ring(std::byte *areas, std::uint16_t entries,
                                                    Translate translate) {
    return std::make_unique<PackedDeviceRing>(areas, entries, std::move(translate));
}

} // namespace netvsc::virtio
