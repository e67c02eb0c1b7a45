// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/layout.hpp"
#include "ring/wire.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace netvsc::virtio {

/// Where a device finds a driver's address in its own memory: the first of `length` bytes, or
/// nullptr if not all of them are the driver's.
using Translate = std::function<std::byte *(std::uint64_t address, std::uint64_t length)>;

/// A chain as the device walked it. Segments point into the driver's memory.
struct DeviceChain {
    std::uint16_t id = 0;
    std::uint16_t descriptors = 0; ///< in the ring, without those of an indirect table
    std::vector<std::span<const std::byte>> readable;
    std::vector<std::span<std::byte>> writable;
};

/// The device's side of a virtqueue, as the emulated control queue needs it: one chain at a time.
/// The ring is not trusted: another process can write to it.
class DeviceRing {
public:
    virtual ~DeviceRing() = default;

    enum class Error : std::uint8_t {
        empty,           ///< no chain is available
        available_index, ///< the available index jumped by more than the ring has entries
        index,           ///< a descriptor index is out of range
        endless,         ///< more descriptors than the ring has, or a loop
        indirect,        ///< an indirect table is malformed or nested
        order,           ///< a readable segment follows a writable one
        address,         ///< a segment lies outside the driver's memory
    };

    /// The next available chain. After an error other than `empty` the ring stays as it is, and the
    /// device must be reset.
    [[nodiscard]] virtual std::expected<DeviceChain, Error> next() = 0;
    /// Gives the chain to the driver as used.
    /// @param written  bytes
    virtual void push(const DeviceChain &chain, std::uint32_t written) = 0;
};

[[nodiscard]] std::string_view describe(DeviceRing::Error error);

/// @param areas      RingLayout::size bytes; the caller owns them
/// @param translate  is copied
[[nodiscard]] std::unique_ptr<DeviceRing>
make_split_device_ring(std::byte *areas, std::uint16_t entries, Translate translate);
[[nodiscard]] std::unique_ptr<DeviceRing>
make_packed_device_ring(std::byte *areas, std::uint16_t entries, Translate translate);

} // namespace netvsc::virtio
