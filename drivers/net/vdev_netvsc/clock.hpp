// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "command.hpp"

#include <chrono>

namespace netvsc {

/// What the edge hands to the core as the present: CLOCK_MONOTONIC.
[[nodiscard]] inline TimePoint now() { return std::chrono::steady_clock::now(); }

} // namespace netvsc
