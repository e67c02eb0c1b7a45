// SPDX-License-Identifier: BSD-3-Clause
#include "backend/kernel_memory.hpp"

#include "backend/linux_vhost.hpp"

#include <cstddef>
#include <cstring>

namespace netvsc::virtio {

std::vector<MemoryRegion> joined(std::span<const MemoryRegion> regions) {
    std::vector<MemoryRegion> result;
    for (const MemoryRegion &region : regions) {
        if (!result.empty() && result.back().address + result.back().size == region.address)
            result.back().size += region.size;
        else
            result.push_back(region);
    }
    return result;
}

std::vector<std::byte> kernel_memory_table(std::span<const MemoryRegion> regions) {
    const std::vector<MemoryRegion> pieces = joined(regions);
    std::vector<std::byte> bytes(sizeof(vhost_memory) +
                                 pieces.size() * sizeof(vhost_memory_region));
    const auto count = static_cast<std::uint32_t>(pieces.size()); // the padding after it stays 0
    std::memcpy(bytes.data() + offsetof(vhost_memory, nregions), &count, sizeof count);
    std::byte *next = bytes.data() + sizeof(vhost_memory);
    for (const MemoryRegion &piece : pieces) {
        const vhost_memory_region region{.guest_phys_addr = piece.address,
                                         .memory_size = piece.size,
                                         .userspace_addr = piece.address,
                                         .flags_padding = 0};
        std::memcpy(next, &region, sizeof region);
        next += sizeof region;
    }
    return bytes;
}

} // namespace netvsc::virtio
