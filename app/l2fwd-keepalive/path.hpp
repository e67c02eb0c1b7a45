// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <rte_ethdev.h>
#include <rte_malloc.h>

namespace netvsc {

/// A counter that one lcore writes and others read.
class Counter {
public:
    void add(std::uint64_t number) {
        value_.store(value_.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_ = 0;
};

struct FreeFromHeap {
    void operator()(void *memory) const { rte_free(memory); }
};

/// The path from one port to another. One lcore serves it. No other path has the same destination,
/// so only this lcore sends to that port.
struct alignas(RTE_CACHE_LINE_SIZE) Path {
    std::uint16_t from = 0;
    std::uint16_t to = 0;
    rte_ether_addr source{};      ///< of frames sent: the sending port's
    rte_ether_addr destination{}; ///< 02:00:00:00:00:<port>, as in DPDK's l2fwd examples
    /// Frames to send. Frames that cannot be sent are counted and freed.
    std::unique_ptr<rte_eth_dev_tx_buffer, FreeFromHeap> buffer;
    Counter received;
    Counter sent;
    Counter dropped;
};

} // namespace netvsc
