// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"

#include <string>

namespace netvsc {

/// What a fallback of this kind needs and neither this kernel, nor this process's DPDK, nor the
/// netdevice has.
/// @param ifindex  of the netdevice
/// @param name     its name, for the user
[[nodiscard]] MissingParts missing_for(Fallback kind, int ifindex, const std::string &name);

} // namespace netvsc
