// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace netvsc {

/// rte_eal_hotplug_add() for device arguments of any length.
///
/// EAL hands what it adds on to secondary processes, in a message that has room for 127 characters.
/// Until DPDK 26.03 it cuts longer arguments off there: a secondary process then fails, and the
/// primary one takes the device back. From 26.07 on (26b05e42e1, also in 24.11.8 and 25.11.4) it
/// refuses them with -E2BIG. So this adds a device with long arguments without any, and gives them
/// to it before its driver probes it. Secondary processes do not get them.
///
/// @return as rte_eal_hotplug_add(): 0 or a negative errno
[[nodiscard]] int hotplug_add(const char *bus, const std::string &name,
                              const std::string &arguments);

} // namespace netvsc
