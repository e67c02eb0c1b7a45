// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-doctor/files.hpp"
#include "netvsc-doctor/machine.hpp"

namespace netvsc::doctor {

/// Finds what killed processes have left: entries in the driver's folder, files of hugepages, and
/// keepalive areas. Removes nothing.
void read_leftovers(const Files &files, Machine &machine);

} // namespace netvsc::doctor
