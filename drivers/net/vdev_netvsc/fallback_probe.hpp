// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback.hpp"

namespace netvsc {

/// What a fallback of this kind needs and neither this kernel nor this process's DPDK has.
[[nodiscard]] MissingParts missing_for(Fallback kind);

} // namespace netvsc
