// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdlib>
#include <new>

namespace netvsc::test {

/// While true, each operator new of the process throws std::bad_alloc.
inline bool out_of_memory = false;

} // namespace netvsc::test

// Replacements, which a program can define only once: include this header in one source. They also
// serve the shared libraries of the process.
void *operator new(std::size_t size) {
    void *memory = netvsc::test::out_of_memory ? nullptr : std::malloc(size);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t /*size*/) noexcept { std::free(memory); }
