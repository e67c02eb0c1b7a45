// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/keepalive_layout.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

namespace netvsc {

/// The command line of l2fwd-keepalive, after EAL's options.
struct Options {
    std::uint64_t port_mask = 0;
    unsigned queues_per_lcore = 1;        ///< Rx queues; each port has one
    std::chrono::seconds statistics{10};  ///< 0: only at the end
    std::chrono::milliseconds check{100}; ///< keepalive's period; 0: off
    std::string shm{KeepaliveLayout::default_name};
    std::chrono::seconds lifetime{}; ///< lcores end by themselves within this time; 0: never
    bool help = false;

    static const char *const usage;

    /// @param arguments  without the program's name
    /// @return or else a message
    [[nodiscard]] static std::expected<Options, std::string>
    parse(std::span<const char *const> arguments);
};

} // namespace netvsc
