// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <dev_driver.h>

namespace netvsc {

/// The device of this name on one of EAL's buses ("pci", "vdev"), probed or not.
/// @return nullptr if there is none, or no such bus
[[nodiscard]] rte_device *find_device(const char *bus, const std::string &name);

} // namespace netvsc
