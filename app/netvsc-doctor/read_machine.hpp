// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-doctor/files.hpp"
#include "netvsc-doctor/machine.hpp"
#include "netvsc-doctor/netdevices.hpp"

#include <string>

namespace netvsc::doctor {

/// Reads the facts. Changes nothing.
/// @param plugin  the driver's file
[[nodiscard]] Machine read_machine(const KernelNetdevices &kernel, const Files &files,
                                   const std::string &plugin);

} // namespace netvsc::doctor
