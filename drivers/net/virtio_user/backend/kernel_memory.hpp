// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"

#include <cstddef>
#include <vector>

namespace netvsc::virtio {

/// Regions that are neighbours in memory, joined whatever their files are: the kernel finds memory
/// by its address alone.
[[nodiscard]] std::vector<MemoryRegion> joined(std::span<const MemoryRegion> regions);

/// A struct vhost_memory with its regions (linux/vhost_types.h).
[[nodiscard]] std::vector<std::byte> kernel_memory_table(std::span<const MemoryRegion> regions);

} // namespace netvsc::virtio
