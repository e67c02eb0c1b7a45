// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

struct rte_eth_rxtx_callback;

namespace netvsc {

/// Removes an Rx callback from a port's queue, and frees it after each lcore had the time to leave
/// it. The objects that its function uses must stay. Any thread.
/// @return false if the callback stays in place: ethdev removes none from a queue that is not
///         configured
bool remove_rx_callback(std::uint16_t port, std::uint16_t queue,
                        const rte_eth_rxtx_callback *callback);

/// Finds an lcore that polls an Rx queue of the port within 100 ms. While one does, nobody must
/// stop the port: in DPDK 22.11 rte_eth_dev_stop() clears the port's burst functions and fills them
/// again, and a poll in between ends the process. Any thread; calls run one after another.
/// @return LCORE_ID_ANY for a thread that is no lcore; nullopt if no thread polls, or if the port
/// is
///         stopped
[[nodiscard]] std::optional<unsigned> polling_lcore(std::uint16_t port);

} // namespace netvsc
