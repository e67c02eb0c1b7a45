// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

struct rte_eth_rxtx_callback;

namespace netvsc {

/// Takes an Rx callback from a port's queue, and frees it once every lcore has had the time to
/// leave it. What its function uses must stay. Any thread.
/// @return false: it is in place still. ethdev takes none from a queue that is not configured
bool remove_rx_callback(std::uint16_t port, std::uint16_t queue,
                        const rte_eth_rxtx_callback *callback);

/// The lcore that polls an Rx queue of the port, if any does within 100 ms: ethdev must not be made
/// to stop the port then. (DPDK 22.11: rte_eth_dev_stop() clears what a poll goes by, and fills it
/// again; a poll in between ends the process.) Any thread, one at a time for all ports.
/// @return LCORE_ID_ANY for a thread that is no lcore; nullopt: nobody does, or the port is stopped
[[nodiscard]] std::optional<unsigned> polling_lcore(std::uint16_t port);

} // namespace netvsc
