// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <iostream>
#include <string_view>
#include <utility>

namespace netvsc {

/// The main() of a command-line tool: parses its options, shows its usage if asked to or if they
/// are wrong, and runs it. Exceptions end on standard error, with the tool's name.
///
/// @tparam Options  has the static parse(), which returns the options or a message; the text
///                  `usage`; and `help`, which says that the usage is wanted
/// @param name     the tool's
/// @param run      receives the options; its result is the exit status
/// @param failure  the exit status after an exception
/// @return the exit status; 2 for wrong options
template <typename Options, typename Run>
int run_tool(std::string_view name, int count, char **arguments, Run run, int failure = 1) {
    try {
        auto options = Options::parse({arguments + 1, arguments + count});
        if (!options) {
            std::cerr << name << ": " << options.error() << '\n' << Options::usage;
            return 2;
        }
        if (options->help) {
            std::cout << Options::usage;
            return 0;
        }
        return run(std::move(*options));
    } catch (const std::exception &error) {
        std::cerr << name << ": " << error.what() << '\n';
        return failure;
    }
}

} // namespace netvsc
