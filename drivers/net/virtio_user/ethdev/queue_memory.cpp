// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/queue_memory.hpp"

#include <cstring>

#include <rte_errno.h>

namespace netvsc::virtio {

Result<QueueMemory> QueueMemory::make(const std::string &name, std::size_t bytes, int numa_node) {
    constexpr unsigned page = 4096;
    const rte_memzone *zone = rte_memzone_reserve_aligned(name.c_str(), bytes, numa_node, 0, page);
    if (zone == nullptr)
        return failure(rte_errno, std::to_string(bytes) + " bytes for " + name);
    std::memset(zone->addr, 0, zone->len);
    return QueueMemory(zone);
}

} // namespace netvsc::virtio
