// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-scheduled-events/schedule.hpp"

#include <chrono>
#include <expected>
#include <span>
#include <string>

namespace netvsc::scheduled {

/// The command line of netvsc-scheduled-events.
struct Options {
    Policy policy;              ///< without a name: Azure's metadata have it
    std::string url;            ///< of the metadata service, without a path
    std::string file_prefix;    ///< empty: all applications
    std::string runtime_folder; ///< of DPDK
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds timeout{5000};
    bool once = false;
    bool help = false;

    static const char *const usage;

    /// @param arguments  without the program's name
    /// @return or else a message
    [[nodiscard]] static std::expected<Options, std::string>
    parse(std::span<const char *const> arguments);
};

} // namespace netvsc::scheduled
