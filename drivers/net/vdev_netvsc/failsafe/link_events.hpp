// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

// Work-around for a bug of fail-safe in DPDK 22.11. It registers for RTE_ETH_EVENT_INTR_LSC of its
// sub-devices and never unregisters, because it passes another argument than at the registration.
// ethdev keeps a port's callbacks for the next port with its number. After fail-safe's port is
// removed, the next event calls fail-safe's callback for the port that has this number now. Without
// a port it crashes. With another port it notifies that port's application, and two ports that
// notify each other never stop. So the driver prevents fail-safe's registration. It receives the
// events of all ports itself (Driver::link_changed()).
// Test: failsafe_port_test.cpp.

/// Replaces dev_configure of a fail-safe port with adapt_operations(): calls the original without a
/// registration for link events of sub-devices. Any thread that may configure the port.
/// @return as dev_configure
int configure_without_registration(rte_eth_dev *failsafe);

/// Enables a sub-device's link events nevertheless, if it supports them and the application wants
/// those of the fail-safe port. To be called in the sub-device's dev_configure, before the
/// original.
void enable_link_events(rte_eth_dev &sub_device);

/// Replaces dev_configure of a sub-device with adapt_operations(): calls enable_link_events(), and
/// the original.
/// @return as dev_configure
int configure_with_link_events(rte_eth_dev *sub_device);

} // namespace netvsc
