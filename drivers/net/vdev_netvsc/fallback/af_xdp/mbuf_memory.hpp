// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <rte_mempool.h>

namespace netvsc {

/// The memory of all mbufs of a pool, in one piece.
struct MbufMemory {
    std::byte *first = nullptr;
    std::byte *end = nullptr;

    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - first); }
};

/// @return nullopt if the memory is not in one piece, as net_af_xdp needs it
[[nodiscard]] std::optional<MbufMemory> memory_of(const rte_mempool &pool);

/// While it lives, the pool's size is the number of mbufs that would fill its memory without a gap.
///
/// Work-around for a bug of net_af_xdp in DPDK 22.11. The PMD gives the kernel as much memory as
/// the number of mbufs needs without gaps. But no mbuf crosses the end of a page, so the pool's
/// last mbufs (two fifths without hugepages) are outside that memory, and their frames are lost.
/// Only functions that print the size read it, too. Test: test_fallback.py.
class FullPoolSize {
public:
    FullPoolSize(rte_mempool &pool, const MbufMemory &memory);
    FullPoolSize(const FullPoolSize &) = delete;
    FullPoolSize &operator=(const FullPoolSize &) = delete;
    ~FullPoolSize() { pool_.populated_size = size_; }

private:
    rte_mempool &pool_;
    std::uint32_t size_;
};

} // namespace netvsc
