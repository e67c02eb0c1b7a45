// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/memory_table.hpp"

#include "ethdev/log.hpp"

#include <algorithm>
#include <cstdint>

#include <rte_memory.h>

namespace netvsc::virtio {
namespace {

struct Walk {
    FreedMemory freed;
    std::vector<MemoryRegion> regions;
    int error = 0;
};

bool continues(const MemoryRegion &region, const MemoryRegion &next) {
    return region.address + region.size == next.address && region.fd == next.fd &&
           region.offset + region.size == next.offset;
}

int add_segment(const rte_memseg_list *list, const rte_memseg *segment, void *walk_of_caller) {
    auto &walk = *static_cast<Walk *>(walk_of_caller);
    const auto freed = reinterpret_cast<std::uintptr_t>(walk.freed.address);
    if (list->external != 0 ||
        (segment->addr_64 >= freed && segment->addr_64 < freed + walk.freed.size))
        return 0;
    const int fd = rte_memseg_get_fd_thread_unsafe(segment);
    std::size_t offset = 0;
    if (fd < 0 || rte_memseg_get_fd_offset_thread_unsafe(segment, &offset) != 0) {
        walk.error = ENOTSUP;
        return -1;
    }
    const MemoryRegion region{
        .address = segment->addr_64, .size = segment->len, .fd = fd, .offset = offset};
    if (!walk.regions.empty() && continues(walk.regions.back(), region)) {
        walk.regions.back().size += region.size;
        return 0;
    }
    walk.error = -guarded("memory table", [&] { walk.regions.push_back(region); });
    return -walk.error;
}

} // namespace

Result<std::vector<MemoryRegion>> memory_table(const FreedMemory &freed) {
    Walk walk{.freed = freed, .regions = {}, .error = 0};
    if (rte_memseg_walk_thread_unsafe(add_segment, &walk) != 0)
        return failure(walk.error, "EAL's memory has no file that a back end could map");
    return std::move(walk.regions);
}

} // namespace netvsc::virtio
