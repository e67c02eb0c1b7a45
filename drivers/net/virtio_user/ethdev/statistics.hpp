// SPDX-License-Identifier: BSD-3-Clause
#pragma once

struct rte_eth_dev;
struct rte_eth_stats;

namespace netvsc::virtio {

// ethdev's operations stats_get and stats_reset. Any thread.
int get_statistics(rte_eth_dev *ethdev, rte_eth_stats *stats);
int clear_statistics(rte_eth_dev *ethdev);

} // namespace netvsc::virtio
