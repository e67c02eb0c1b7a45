// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace netvsc::test {

/// How many blocks of operator new are in use in the whole process: the driver's, for DPDK is
/// written in C, and what this program has itself. DPDK's are not counted, for it has leaks of its
/// own (DPDK 22.11: some blocks with each fail-safe port and each VF).
[[nodiscard]] std::int64_t blocks_in_use();

} // namespace netvsc::test
