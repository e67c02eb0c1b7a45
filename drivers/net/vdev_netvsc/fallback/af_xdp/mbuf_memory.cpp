// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/mbuf_memory.hpp"

#include <algorithm>

namespace netvsc {

std::optional<MbufMemory> memory_of(const rte_mempool &pool) {
    const rte_mempool_memhdr *chunk = STAILQ_FIRST(&pool.mem_list);
    auto *const first = static_cast<std::byte *>(chunk->addr);
    MbufMemory memory{.first = first, .end = first};
    for (; chunk != nullptr; chunk = STAILQ_NEXT(chunk, next)) {
        if (chunk->addr != memory.end)
            return std::nullopt;
        memory.end += chunk->len;
    }
    return memory;
}

FullPoolSize::FullPoolSize(rte_mempool &pool, const MbufMemory &memory)
    : pool_(pool), size_(pool.populated_size) {
    const std::size_t mbuf = rte_mempool_calc_obj_size(pool.elt_size, pool.flags, nullptr);
    pool.populated_size = std::max(size_, static_cast<std::uint32_t>(memory.size() / mbuf));
}

} // namespace netvsc
