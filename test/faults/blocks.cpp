// SPDX-License-Identifier: BSD-3-Clause
#include "blocks.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> blocks = 0;

void *take(void *block) {
    if (block == nullptr)
        throw std::bad_alloc();
    blocks.fetch_add(1, std::memory_order_relaxed);
    return block;
}

void give(void *block) {
    if (block != nullptr)
        blocks.fetch_sub(1, std::memory_order_relaxed);
    std::free(block);
}

} // namespace

// In place of libstdc++'s, for all that is loaded.
void *operator new(std::size_t size) { return take(std::malloc(size)); }
void *operator new(std::size_t size, std::align_val_t alignment) {
    const auto boundary = static_cast<std::size_t>(alignment);
    return take(std::aligned_alloc(boundary, (size + boundary - 1) & ~(boundary - 1)));
}
void operator delete(void *block) noexcept { give(block); }
void operator delete(void *block, std::size_t) noexcept { give(block); }
void operator delete(void *block, std::align_val_t) noexcept { give(block); }
void operator delete(void *block, std::size_t, std::align_val_t) noexcept { give(block); }

std::int64_t netvsc::test::blocks_in_use() { return blocks; }
