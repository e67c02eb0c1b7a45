// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

namespace netvsc::doctor {

/// The command line of netvsc-doctor.
struct Options {
    std::vector<std::string> interfaces; ///< --iface
    std::string plugin;                  ///< the driver's file
    std::string root;                    ///< the folder that stands for /; empty: / itself
    bool json = false;
    bool help = false;

    static const char *const usage;

    /// @param arguments  without the program's name
    /// @return or else a message
    [[nodiscard]] static std::expected<Options, std::string>
    parse(std::span<const char *const> arguments);
};

} // namespace netvsc::doctor
