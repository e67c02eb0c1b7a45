// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sysfs/pci_address.hpp"

#include <map>
#include <string>

namespace netvsc::test {

/// What the process holds, and what it has set up in the kernel: each thing's name, and how many
/// there are of it.
using Holdings = std::map<std::string, int>;

/// Descriptors by what they are, netdevices, tc's queueing disciplines (whose end is that of the
/// filters they hold), the kernel driver and override of @p vf, shared memory, ethdev ports, and
/// devices on the vdev bus.
[[nodiscard]] Holdings holdings(const PciAddress &vf);

/// "+1 socket, -1 pipe"; empty if they are the same
[[nodiscard]] std::string difference(const Holdings &before, const Holdings &after);

} // namespace netvsc::test
