// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"

#include <cstddef>
#include <vector>

namespace netvsc::virtio {

/// A range of addresses that is to be left out.
struct FreedMemory {
    const void *address = nullptr;
    std::size_t size = 0;
};

/// EAL's memory, without what the application has registered (external memory). Neighbours in one
/// file are one region. The caller holds EAL's memory lock.
/// @param freed  memory that EAL frees after this call
[[nodiscard]] Result<std::vector<MemoryRegion>> memory_table(const FreedMemory &freed = {});

} // namespace netvsc::virtio
