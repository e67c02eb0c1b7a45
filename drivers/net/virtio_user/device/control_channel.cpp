// SPDX-License-Identifier: BSD-3-Clause
#include "device/control_channel.hpp"

#include "ring/control_queue.hpp"
#include "ring/packed_ring.hpp"
#include "ring/split_ring.hpp"

#include <new>
#include <utility>

namespace netvsc::virtio {
namespace {

constexpr std::uint16_t entries = 64;

/// Memory for the ring and the command in flight.
class ChannelMemory {
public:
    explicit ChannelMemory(const RingLayout &layout)
        : command_(layout.size), size_(layout.size + control_memory_size),
          data_(static_cast<std::byte *>(::operator new(size_, std::align_val_t{ring_alignment}))) {
    }
    ChannelMemory(const ChannelMemory &) = delete;
    ChannelMemory &operator=(const ChannelMemory &) = delete;
    ~ChannelMemory() { ::operator delete(data_, std::align_val_t{ring_alignment}); }

    [[nodiscard]] std::byte *areas() const { return data_; }
    [[nodiscard]] ControlMemory command() const {
        return {.data = data_ + command_,
                .address = reinterpret_cast<std::uintptr_t>(data_ + command_)};
    }
    /// Translate of the device's end.
    [[nodiscard]] std::byte *find(std::uint64_t address, std::uint64_t length) const {
        const auto begin = reinterpret_cast<std::uintptr_t>(data_);
        if (address < begin || length > size_ || address - begin > size_ - length)
            return nullptr;
        return data_ + (address - begin);
    }

private:
    const std::size_t command_; ///< where the command begins
    const std::size_t size_;
    std::byte *const data_;
};

template <DriverRing RingType> class Channel final : public ControlChannel {
public:
    Channel(const RingLayout &layout, auto make_device, std::uint16_t max_pairs,
            std::function<bool(std::uint16_t)> set_pairs)
        : memory_(layout),
          ring_(RingOptions{.entries = entries, .memory = {.areas = memory_.areas()}}),
          driver_(ring_, memory_.command()),
          device_(make_device(memory_.areas(), entries,
                              [this](std::uint64_t address, std::uint64_t length) {
                                  return memory_.find(address, length);
                              })),
          max_pairs_(max_pairs), set_pairs_(std::move(set_pairs)) {}

    Result<void> execute(std::span<const std::byte> command) override {
        if (!driver_.submit(command))
            return failure(EMSGSIZE, "control queue command");
        if (const auto served = serve_control_queue(*device_, max_pairs_, set_pairs_); !served)
            return failure(EIO, "control queue: " + std::string(describe(served.error())));
        const auto answer = driver_.poll();
        if (answer != ControlAnswer::done)
            return failure(ENOTSUP, "control queue command");
        return {};
    }

private:
    ChannelMemory memory_;
    RingType ring_;
    ControlDriver<RingType> driver_;
    std::unique_ptr<DeviceRing> device_;
    const std::uint16_t max_pairs_;
    const std::function<bool(std::uint16_t)> set_pairs_;
};

} // namespace

std::unique_ptr<ControlChannel> ControlChannel::make(bool packed, std::uint16_t max_pairs,
                                                     std::function<bool(std::uint16_t)> set_pairs) {
    if (packed)
        return std::make_unique<Channel<PackedRing<Order::any>>>(
            packed_layout(entries), make_packed_device_ring, max_pairs, std::move(set_pairs));
    return std::make_unique<Channel<SplitRing<Order::any>>>(
        split_layout(entries), make_split_device_ring, max_pairs, std::move(set_pairs));
}

} // namespace netvsc::virtio
