// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

// DPDK 22.11: fail-safe listens for RTE_ETH_EVENT_INTR_LSC of its sub-devices, and never ceases:
// what it takes back is registered with another argument than it gives. ethdev keeps a port's
// callbacks for the next port with its number. Once the fail-safe port is gone the next event there
// goes to whatever has the fail-safe port's number: nothing, which crashes, or another port, which
// has its application told; two that tell each other never end. So fail-safe is kept from
// listening: the driver hears the events, as those of all ports (Driver::link_changed()).

/// In place of fail-safe's dev_configure: that, without listening for its sub-devices' link events.
/// Of a port with adapt_operations(). In any thread that may configure the port.
/// @return as dev_configure
int configure_without_listening(rte_eth_dev *failsafe);

/// Has a sub-device tell of its link all the same, if it can and the application wants to know of
/// the fail-safe port's. To be called in place of its dev_configure, before that.
void ask_for_link_events(rte_eth_dev &sub_device);

/// In place of a sub-device's dev_configure: ask_for_link_events(), and that. Of a port with
/// adapt_operations().
/// @return as dev_configure
int configure_with_link_events(rte_eth_dev *sub_device);

} // namespace netvsc
