// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

namespace netvsc {

/// The state of an lcore, with the values of DPDK's enum rte_keepalive_state. Memory shared with
/// another process can hold any other value as well.
enum class LcoreState : std::uint32_t {
    unused = 0,
    alive = 1,
    dead = 2,
    gone = 3,
    missing = 4,
    dozing = 5,
    sleep = 6,
};

/// "ALIVE", "DEAD", ...; "UNKNOWN" for any other value.
[[nodiscard]] std::string_view name_of(LcoreState state);

} // namespace netvsc
