// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <rte_ethdev.h>

namespace netvsc {

/// Removes an Rx callback from a port's queue, and frees it after each lcore had the time to leave
/// it. The objects that its function uses must stay. Any thread.
/// @return false if the callback stays in place: ethdev removes none from a queue that is not
///         configured
bool remove_rx_callback(std::uint16_t port, std::uint16_t queue,
                        const rte_eth_rxtx_callback *callback);

/// Rx callbacks on all Rx queues of ports, while the object lives. The function may run for a
/// moment afterwards: what it uses must stay. Any thread, one after another.
class RxCallbacks {
public:
    RxCallbacks() = default;
    RxCallbacks(const RxCallbacks &) = delete;
    RxCallbacks &operator=(const RxCallbacks &) = delete;
    ~RxCallbacks();

    /// Adds them to a started port. Leaves out a queue for which there is no memory.
    void add(std::uint16_t port, rte_rx_callback_fn function);

private:
    struct Callback {
        std::uint16_t port;
        std::uint16_t queue;
        const rte_eth_rxtx_callback *callback;
    };
    std::vector<Callback> callbacks_;
};

/// Finds an lcore that polls an Rx queue of the port within 100 ms. While one does, nobody must
/// stop the port: in DPDK 22.11 rte_eth_dev_stop() clears the port's burst functions and fills them
/// again, and a poll in between ends the process. Any thread; calls run one after another.
/// @return LCORE_ID_ANY for a thread that is no lcore; nullopt if no thread polls, or if the port
/// is
///         stopped
[[nodiscard]] std::optional<unsigned> polling_lcore(std::uint16_t port);

} // namespace netvsc
