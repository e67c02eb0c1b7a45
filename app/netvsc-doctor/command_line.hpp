// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-doctor/machine.hpp"

#include <expected>
#include <span>
#include <string>
#include <vector>

namespace netvsc::doctor {

/// Marks the NetVSC netdevices that the command line uses: the named ones, or those that the system
/// does not use.
/// @return an error message for a name that is no NetVSC netdevice's
[[nodiscard]] std::expected<void, std::string> choose(Machine &machine,
                                                      std::span<const std::string> names);

/// The words of a command line of testpmd that works on this machine; empty if there is none.
[[nodiscard]] std::vector<std::string> testpmd_command(const Machine &machine);

/// The same for a shell.
[[nodiscard]] std::string quoted(std::span<const std::string> words);

} // namespace netvsc::doctor
