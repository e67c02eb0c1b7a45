// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <bus_driver.h>
#include <bus_vdev_driver.h>
#include <rte_version.h>

// Where DPDK's releases differ for the driver. Work-arounds for a release's bugs are elsewhere:
// failsafe/double_release.hpp, dpdk/hotplug.hpp.
namespace netvsc {

/// A DPDK release: its year and month.
struct DpdkRelease {
    int year;
    int month;
    friend auto operator<=>(const DpdkRelease &, const DpdkRelease &) = default;
};

/// The newest release that the tests have run with.
constexpr DpdkRelease newest_tested_dpdk{.year = 26, .month = 7};

/// What follows from the release that the driver was built for and the one that loads it.
struct DpdkFit {
    bool usable;
    std::optional<std::string> problem; ///< for the log: an error if not usable, else a warning
};

/// The structures of EAL's buses are not part of DPDK's ABI: they differ between releases that have
/// the same one. Only the release that the driver was built for is usable. Its minor releases are.
[[nodiscard]] DpdkFit check_dpdk(DpdkRelease built_for, DpdkRelease running);

/// check_dpdk() for this process; logs a problem.
/// @return whether the driver may register itself
[[nodiscard]] bool suits_this_dpdk();

/// A bus's operation that takes a device from its driver. Named unplug until DPDK 26.03,
/// unplug_device from 26.07 on (c9a337fe7a).
using BusUnplug = int (*)(rte_device *);

/// Replaces that operation of a bus ("pci", "vdev"). Does nothing if it is @p own already. Any
/// thread, but one at a time for each bus.
/// @param original  the bus's own operation; set before @p own can be called
/// @return false if there is no such bus or operation, which it logs: then nothing changed
[[nodiscard]] bool replace_unplug(const char *bus, BusUnplug own, BusUnplug &original);

/// The device of this name on one of EAL's buses ("pci", "vdev"), probed or not.
/// @return nullptr if there is none, or no such bus
[[nodiscard]] rte_device *find_device(const char *bus, const std::string &name);

/// The names of all devices on one of EAL's buses, probed or not.
[[nodiscard]] std::vector<std::string> device_names(const char *bus);

/// From DPDK 26.07 on (add1eb0dc9) rte_eal_cleanup() holds the vdev bus's lock while drivers remove
/// their devices. fail-safe's alarm takes that lock while it holds fail-safe's own, so a driver
/// that closes a fail-safe port there could wait for ever. This calls @p first before the bus takes
/// its lock. Does nothing with earlier releases, which hold no lock there.
void call_before_vdev_cleanup(void (*first)());

/// The device that rte_eal_cleanup() goes on with when it has removed this one. Until DPDK 26.03 it
/// keeps a pointer to it meanwhile. From 26.07 on it does not (add1eb0dc9).
/// @return nullptr if there is none, or it is free to go
[[nodiscard]] const rte_vdev_device *next_in_cleanup(const rte_vdev_device &device);

} // namespace netvsc
