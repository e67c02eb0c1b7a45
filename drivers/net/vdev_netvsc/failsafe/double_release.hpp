// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

// Work-around for a bug of fail-safe in all DPDK releases (22.11 to 26.07). When a sub-device
// leaves, fs_dev_remove() in drivers/net/failsafe/failsafe_ether.c closes its port, which releases
// the port's ethdev slot. It removes the device, and then releases the slot a second time.
// - Until DPDK 23.07 the slot's data is zeroed by then. The second release takes the slot for port
//   0 and resets that port's burst functions: port 0 receives and sends nothing any more.
// - From 23.11 on (36c46e7381) the slot has no data. The second release reads a null pointer.
// Between the two calls EAL removes the device from its bus. At this point the driver prepares the
// slot: the second release finds data that belongs to no port, with the slot's own number.
// Tests: test_vf_removal.py, test_fallback.py.

/// Marks a port whose device fail-safe uses, or will use. Any thread.
void expect_double_release(const rte_eth_dev &port);

/// A port of this device is marked, and its slot is not prepared yet. Any thread.
[[nodiscard]] bool is_double_release_expected(const rte_device *device);

/// Prepares the slots of this device's ports that are released. To be called after the bus has
/// removed the device, and may have freed it: this function only compares the pointer. Any thread.
void prepare_double_release(const rte_device *device);

} // namespace netvsc
