// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include <bus_driver.h>
#include <bus_vdev_driver.h>

// All differences between DPDK's releases. Work-arounds for bugs are in files of their own:
// failsafe/double_release.hpp, dpdk/hotplug.hpp, and others.
namespace netvsc {

/// Calls check_this_dpdk(), and logs a problem.
/// @return whether the driver may register itself
[[nodiscard]] bool suits_this_dpdk();

/// A bus's operation that detaches a device from its driver. Its name is unplug until DPDK 26.03,
/// and unplug_device from 26.07 on (c9a337fe7a).
using BusUnplug = int (*)(rte_device *);

/// Replaces that operation of a bus ("pci", "vdev"). Does nothing if the operation is @p own
/// already. Any thread, but one at a time for each bus.
/// @param original  the bus's own operation; set before @p own can be called
/// @return false if the bus or its operation does not exist: logs that, and changes nothing
[[nodiscard]] bool replace_unplug(const char *bus, BusUnplug own, BusUnplug &original);

/// The device of this name on one of EAL's buses ("pci", "vdev"), probed or not.
/// @return nullptr if the device or the bus does not exist
[[nodiscard]] rte_device *find_device(const char *bus, const std::string &name);

/// Lets a bus scan for devices, and probe all that have no driver. Not while a caller holds the
/// bus's lock. Does nothing if the bus does not exist.
void scan_and_probe(const char *bus);

/// The names of all devices on one of EAL's buses, probed or not.
[[nodiscard]] std::vector<std::string> device_names(const char *bus);

/// Calls @p first in rte_eal_cleanup(), before the vdev bus takes its lock. From DPDK 26.07 on
/// (add1eb0dc9) the bus holds the lock while drivers remove their devices. fail-safe's alarm takes
/// that lock while it holds fail-safe's own, so a driver that closes a fail-safe port there could
/// deadlock. Does nothing with earlier releases, which hold no lock there.
void call_before_vdev_cleanup(void (*first)());

/// The device that rte_eal_cleanup() removes after this one. Until DPDK 26.03 it keeps a pointer to
/// that device while it removes this one. From 26.07 on it does not (add1eb0dc9).
/// @return nullptr if no device follows, or if EAL keeps no pointer
[[nodiscard]] const rte_vdev_device *next_in_cleanup(const rte_vdev_device &device);

} // namespace netvsc
