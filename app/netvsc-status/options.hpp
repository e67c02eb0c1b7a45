// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <span>
#include <string>

namespace netvsc::status {

/// The command line of netvsc-status.
struct Options {
    std::string file_prefix;    ///< empty: the only application that runs
    std::string runtime_folder; ///< of DPDK
    std::size_t events = 10;    ///< number of the last events to show
    /// The command /vdev_netvsc/hold or /vdev_netvsc/release with its port; empty: show the state.
    std::string command;
    bool watch = false;
    std::chrono::milliseconds interval{1000};
    bool json = false;
    bool help = false;

    static const char *const usage;

    /// @param arguments  without the program's name
    /// @return or else a message
    [[nodiscard]] static std::expected<Options, std::string>
    parse(std::span<const char *const> arguments);
};

} // namespace netvsc::status
