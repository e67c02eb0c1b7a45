// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

namespace netvsc::status {

/// The command line of netvsc-status.
struct Options {
    std::string file_prefix;    ///< empty: the only application that runs
    std::string runtime_folder; ///< of DPDK
    std::size_t events = 10;    ///< number of the last events to show
    /// Holds or releases the VF of a port.
    struct Request {
        std::uint16_t port = 0; ///< ethdev's number
        bool held = false;
    };
    std::optional<Request> request; ///< in place of showing the state
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
