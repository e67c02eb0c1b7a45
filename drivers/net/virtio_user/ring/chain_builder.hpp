// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/device_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>

namespace netvsc::virtio {

/// Builds a DeviceChain from descriptors that are not trusted.
class ChainBuilder {
public:
    using Result = std::expected<void, DeviceRing::Error>;

    /// @param most  how many segments a chain may have: the ring's entries (virtio 1.2, 2.7.5.3.1)
    ChainBuilder(const Translate &translate, std::size_t most)
        : translate_(translate), most_(most) {}

    /// Appends a segment.
    [[nodiscard]] Result append(std::uint64_t address, std::uint32_t length, bool writable);
    /// An indirect table, which is aligned and a whole number of descriptors.
    [[nodiscard]] std::expected<std::span<Descriptor>, DeviceRing::Error>
    indirect_table(std::uint64_t address, std::uint32_t length) const;

    DeviceChain chain;

private:
    const Translate &translate_;
    std::size_t most_;
};

} // namespace netvsc::virtio
