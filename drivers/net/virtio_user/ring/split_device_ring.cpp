// SPDX-License-Identifier: BSD-3-Clause
#include "ring/chain_builder.hpp"
#include "ring/device_ring.hpp"
#include "ring/shared.hpp"
#include "ring/wire.hpp"

#include <utility>

namespace netvsc::virtio {
namespace {

class SplitDeviceRing final : public DeviceRing {
public:
    SplitDeviceRing(std::byte *areas, std::uint16_t entries, Translate translate)
        : descriptors_(reinterpret_cast<Descriptor *>(areas), entries),
          available_(areas + split_layout(entries).driver_area),
          used_(areas + split_layout(entries).device_area), translate_(std::move(translate)) {}

    std::expected<DeviceChain, Error> next() override {
        auto &header = *reinterpret_cast<SplitIndex *>(available_);
        const auto waiting = static_cast<std::uint16_t>(load_acquire(header.index) - seen_);
        if (waiting == 0)
            return std::unexpected(Error::empty);
        if (waiting > descriptors_.size())
            return std::unexpected(Error::available_index);
        auto *ring = reinterpret_cast<std::uint16_t *>(available_ + sizeof(SplitIndex));
        const std::uint16_t head = load(ring[seen_ & (descriptors_.size() - 1)]);
        if (head >= descriptors_.size())
            return std::unexpected(Error::index);

        ChainBuilder builder(translate_, descriptors_.size());
        builder.chain.id = head;
        if (const auto walked = walk(builder, descriptors_, head, true); !walked)
            return std::unexpected(walked.error());
        ++seen_;
        return std::move(builder.chain);
    }

    void push(const DeviceChain &chain, std::uint32_t written) override {
        auto *ring = reinterpret_cast<UsedElement *>(used_ + sizeof(SplitIndex));
        store(ring[pushed_ & (descriptors_.size() - 1)],
              UsedElement{chain.id} | UsedElement{written} << 32);
        ++pushed_;
        store_release(reinterpret_cast<SplitIndex *>(used_)->index, pushed_);
    }

private:
    /// Follows a chain in the ring's table or in an indirect one. The builder's bound on segments
    /// ends a loop.
    ChainBuilder::Result walk(ChainBuilder &builder, std::span<Descriptor> table,
                              std::uint16_t index, bool may_be_indirect) {
        for (;;) {
            if (index >= table.size())
                return std::unexpected(may_be_indirect ? Error::index : Error::indirect);
            const std::uint64_t address = load(table[index].address);
            const std::uint64_t word = load(table[index].word);
            const auto length = static_cast<std::uint32_t>(word);
            const auto flags = static_cast<std::uint16_t>(word >> 32);
            if (flags & VRING_DESC_F_INDIRECT) {
                if (!may_be_indirect || flags & VRING_DESC_F_NEXT)
                    return std::unexpected(Error::indirect);
                const auto indirect = builder.indirect_table(address, length);
                if (!indirect)
                    return std::unexpected(indirect.error());
                return walk(builder, *indirect, 0, false);
            }
            if (const auto appended = builder.append(address, length, flags & VRING_DESC_F_WRITE);
                !appended)
                return appended;
            if (!(flags & VRING_DESC_F_NEXT))
                return {};
            index = static_cast<std::uint16_t>(word >> 48);
        }
    }

    std::span<Descriptor> descriptors_;
    std::byte *available_;
    std::byte *used_;
    Translate translate_;
    std::uint16_t seen_ = 0;   ///< the available index up to which chains were walked
    std::uint16_t pushed_ = 0; ///< the used index
};

} // namespace

std::unique_ptr<DeviceRing> make_split_device_ring(std::byte *areas, std::uint16_t entries,
                                                   Translate translate) {
    return std::make_unique<SplitDeviceRing>(areas, entries, std::move(translate));
}

} // namespace netvsc::virtio
