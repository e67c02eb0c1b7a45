// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/statistics.hpp"

#include "ethdev/port.hpp"

namespace netvsc::virtio {

int get_statistics(rte_eth_dev *ethdev, rte_eth_stats *stats) {
    const Port &port = port_of(*ethdev);
    for (std::size_t i = 0; i < port.receive_queues().size(); ++i) {
        if (port.receive_queues()[i] == nullptr)
            continue;
        const QueueCounters &counters = port.receive_queues()[i]->counters;
        stats->ipackets += counters.packets.get();
        stats->ibytes += counters.bytes.get();
        stats->ierrors += counters.errors.get();
        stats->rx_nombuf += counters.no_mbufs.get();
        if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            stats->q_ipackets[i] = counters.packets.get();
            stats->q_ibytes[i] = counters.bytes.get();
            stats->q_errors[i] = counters.errors.get();
        }
    }
    for (std::size_t i = 0; i < port.send_queues().size(); ++i) {
        if (port.send_queues()[i] == nullptr)
            continue;
        const QueueCounters &counters = port.send_queues()[i]->counters;
        stats->opackets += counters.packets.get();
        stats->obytes += counters.bytes.get();
        stats->oerrors += counters.errors.get() + counters.lost.get();
        if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            stats->q_opackets[i] = counters.packets.get();
            stats->q_obytes[i] = counters.bytes.get();
        }
    }
    return 0;
}

int clear_statistics(rte_eth_dev *ethdev) {
    const Port &port = port_of(*ethdev);
    for (const auto *queues : {&port.receive_queues(), &port.send_queues()}) {
        for (const auto &queue : *queues) {
            if (queue)
                queue->counters.clear();
        }
    }
    return 0;
}

} // namespace netvsc::virtio
