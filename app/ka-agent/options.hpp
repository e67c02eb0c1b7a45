// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/keepalive_reader.hpp"

#include <chrono>
#include <expected>
#include <span>
#include <string>

namespace netvsc {

/// The command line of ka-agent.
struct Options {
    KeepaliveReader::Options area;
    /// Limit for the time without a change of the area, and for the time without a living owner.
    std::chrono::seconds timeout{10};
    bool once = false;
    bool json = false;
    bool help = false;

    static const char *const usage;

    /// @param arguments  without the program's name
    /// @return or else a message
    [[nodiscard]] static std::expected<Options, std::string>
    parse(std::span<const char *const> arguments);
};

} // namespace netvsc
