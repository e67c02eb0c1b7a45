// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

// The one way in which the driver replaces operations of another PMD's ethdev port.
namespace netvsc {

/// Gives a port a copy of its PMD's operations in which some are replaced. Does nothing if the port
/// has a copy already.
///
/// All ports with the same PMD's operations and the same @p replace share a copy. It is never
/// freed, as the PMD's operations are not. Any thread; nobody may call the port's operations
/// meanwhile, except the burst functions.
///
/// @param replace  changes the copy; called once, when the copy is made
void adapt_operations(rte_eth_dev &port, void (*replace)(eth_dev_ops &));

/// The operations of the port's PMD, for a replaced operation that continues with the PMD's own.
/// For a port that is not adapted these are the port's operations. Any thread.
[[nodiscard]] const eth_dev_ops &original_operations(const rte_eth_dev &port);

/// Undoes adapt_operations(); does nothing if the port is not adapted. Same thread rules.
void restore_operations(rte_eth_dev &port);

/// Adds queue release operations that do nothing, where the PMD has none. DPDK 22.11: fail-safe
/// calls those of a sub-device when a queue is set up again, and does not check that they exist.
void complete_queue_release(eth_dev_ops &operations);

} // namespace netvsc
