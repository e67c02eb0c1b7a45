// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"

#include <string>

namespace netvsc {

/// Finds what a fallback of this kind needs, and what the kernel, this process's DPDK or the
/// netdevice lacks. Any thread.
/// @param ifindex  of the netdevice
/// @param name     its name, for the user
[[nodiscard]] MissingParts find_missing_parts(Fallback kind, int ifindex, const std::string &name);

} // namespace netvsc
