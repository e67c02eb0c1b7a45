// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace netvsc {

/// The present time for the core: CLOCK_MONOTONIC.
[[nodiscard]] inline TimePoint now() { return std::chrono::steady_clock::now(); }

/// The time in reports to others: nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] inline std::uint64_t ns_of(TimePoint time) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

/// 0: never.
[[nodiscard]] inline std::uint64_t ns_of(const std::optional<TimePoint> &time) {
    return time ? ns_of(*time) : 0;
}

} // namespace netvsc
