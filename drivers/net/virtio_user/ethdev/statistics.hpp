// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc::virtio {

// Until DPDK 25.07 rte_eth_stats has the counters of queues. From 25.11 on (58ae74244c) they are in
// a structure of their own, a third parameter of stats_get.
rte_eth_stats queue_statistics_of(int (*)(rte_eth_dev *, rte_eth_stats *));
template <typename Queues>
Queues queue_statistics_of(int (*)(rte_eth_dev *, rte_eth_stats *, Queues *));
using QueueStatistics = decltype(queue_statistics_of(eth_stats_get_t{}));

// ethdev's operations stats_get, stats_reset, xstats_get and xstats_get_names. Any thread.
//
// The extended statistics beyond ethdev's own: rx_q<n>_kicks and tx_q<n>_kicks, notifications of
// the back end; tx_q<n>_lost, frames in flight when the back end was lost or the port stopped.

/// @param queues  may be null
int get_statistics(rte_eth_dev *ethdev, rte_eth_stats *stats, QueueStatistics *queues);
int clear_statistics(rte_eth_dev *ethdev);
int get_extended_statistics(rte_eth_dev *ethdev, rte_eth_xstat *values, unsigned size);
int get_extended_names(rte_eth_dev *ethdev, rte_eth_xstat_name *names, unsigned size);

} // namespace netvsc::virtio
