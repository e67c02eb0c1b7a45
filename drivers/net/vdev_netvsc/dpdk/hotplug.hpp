// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace netvsc {

/// rte_eal_hotplug_add() for device arguments of any length.
///
/// EAL sends a new device to secondary processes in a message with room for 127 characters. Until
/// DPDK 26.03 it truncates longer arguments. A secondary process then fails, and the primary one
/// removes the device again. From 26.07 on (26b05e42e1, also in 24.11.8 and 25.11.4) EAL refuses
/// longer arguments with -E2BIG. So this function adds the device without arguments, and sets them
/// before the device's driver probes it. Secondary processes do not get them.
///
/// @return as rte_eal_hotplug_add(): 0 or a negative errno; -ENOTSUP if the arguments are long and
///         the bus cannot probe a device
[[nodiscard]] int hotplug_add(const char *bus, const std::string &name,
                              const std::string &arguments);

} // namespace netvsc
