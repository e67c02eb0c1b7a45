// SPDX-License-Identifier: BSD-3-Clause
//
// The application sets up queues and releases them.

#include "ethdev/log.hpp"
#include "ethdev/port.hpp"
#include "ethdev/receive_queue.hpp"
#include "ethdev/send_queue.hpp"
#include "ring/net_header.hpp"

#include <utility>

#include <rte_mbuf.h>

namespace netvsc::virtio {

QueueOptions Port::queue_options(const char *direction, std::uint16_t index,
                                 std::uint16_t descriptors, int numa_node, unsigned ring) {
    const MutexLock lock(mutex_);
    return {.kind = kind_,
            .name = "virtio_user" + std::to_string(ethdev_.data->port_id) + direction +
                    std::to_string(index),
            .numa_node = numa_node,
            .port = ethdev_.data->port_id,
            .descriptors = descriptors,
            .kick_fd = device_.kick_fd(ring),
            .report_fault = [this] { call_later(std::chrono::microseconds{1}); }};
}

int Port::setup_receive(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                        const rte_eth_rxconf &conf, rte_mempool &pool) {
    if (conf.rx_deferred_start != 0) {
        log(LogLevel::error, name_ + ": deferred start of queues is not supported");
        return -EINVAL;
    }
    static_assert(RTE_PKTMBUF_HEADROOM >= sizeof(NetHeader));
    const std::uint32_t room = rte_pktmbuf_data_room_size(&pool);
    if (room <= RTE_PKTMBUF_HEADROOM) {
        log(LogLevel::error, name_ + ": receive queue " + std::to_string(index) +
                                 ": the mempool's buffers have no room for a frame");
        return -EINVAL;
    }
    QueueOptions options = queue_options("_rx", index, descriptors, numa_node, 2U * index);
    options.pool = &pool;
    auto queue = make_receive_queue(std::move(options));
    if (!queue) {
        log(LogLevel::error, name_ + ": " + queue.error().message());
        return -queue.error().number;
    }
    ethdev_.data->rx_queues[index] = queue->get();
    place(receive_, index, std::move(*queue));
    return 0;
}

int Port::setup_send(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                     const rte_eth_txconf &conf) {
    if (conf.tx_deferred_start != 0) {
        log(LogLevel::error, name_ + ": deferred start of queues is not supported");
        return -EINVAL;
    }
    auto queue =
        make_send_queue(queue_options("_tx", index, descriptors, numa_node, 2U * index + 1));
    if (!queue) {
        log(LogLevel::error, name_ + ": " + queue.error().message());
        return -queue.error().number;
    }
    ethdev_.data->tx_queues[index] = queue->get();
    place(send_, index, std::move(*queue));
    return 0;
}

// The old queue goes after the lock: it frees EAL's memory.
void Port::place(std::vector<std::unique_ptr<Queue>> &queues, std::uint16_t index,
                 std::unique_ptr<Queue> queue) {
    const MutexLock lock(mutex_);
    if (index < queues.size())
        queues[index].swap(queue);
}

void Port::release_receive(std::uint16_t index) { place(receive_, index, nullptr); }

void Port::release_send(std::uint16_t index) { place(send_, index, nullptr); }

} // namespace netvsc::virtio
