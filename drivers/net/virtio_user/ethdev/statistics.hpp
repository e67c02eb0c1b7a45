// SPDX-License-Identifier: BSD-3-Clause
#pragma once

struct rte_eth_dev;
struct rte_eth_stats;
struct rte_eth_xstat;
struct rte_eth_xstat_name;

namespace netvsc::virtio {

// ethdev's operations stats_get, stats_reset, xstats_get and xstats_get_names. Any thread.
//
// The extended statistics beyond ethdev's own: rx_q<n>_kicks and tx_q<n>_kicks, notifications of
// the back end; tx_q<n>_lost, frames in flight when the back end was lost or the port stopped.
int get_statistics(rte_eth_dev *ethdev, rte_eth_stats *stats);
int clear_statistics(rte_eth_dev *ethdev);
int get_extended_statistics(rte_eth_dev *ethdev, rte_eth_xstat *values, unsigned size);
int get_extended_names(rte_eth_dev *ethdev, rte_eth_xstat_name *names, unsigned size);

} // namespace netvsc::virtio
