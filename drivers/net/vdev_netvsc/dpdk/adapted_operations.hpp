// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

/// Gives an ethdev port a copy of its PMD's operations with some of them exchanged. Does nothing if
/// the port has such a copy already.
///
/// There is one copy for each PMD's operations and `exchange`; it stays for ever, as the PMD's own
/// do. Any thread; nobody may be calling the port's operations, but for those of its data path.
///
/// @param exchange  is given the copy to change it, the first time
void adapt_operations(rte_eth_dev &port, void (*exchange)(eth_dev_ops &));

/// The PMD's own operations of a port that adapt_operations() was called for, as which one of the
/// exchanged ones goes on.
[[nodiscard]] const eth_dev_ops &original_operations(const rte_eth_dev &port);

/// Gives operations that cannot release queues some that do nothing. DPDK 22.11: fail-safe calls a
/// sub-device's when a queue is set up again, whether there are any or not.
void complete_queue_release(eth_dev_ops &operations);

} // namespace netvsc
