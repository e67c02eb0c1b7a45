// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/statistics.hpp"

#include "ethdev/port.hpp"

#include <rte_string_fns.h>

namespace netvsc::virtio {

int get_statistics(rte_eth_dev *ethdev, rte_eth_stats *stats, QueueStatistics *queues) {
    const Port &port = port_of(*ethdev);
    for (std::size_t i = 0; i < port.receive_queues().size(); ++i) {
        if (port.receive_queues()[i] == nullptr)
            continue;
        const QueueCounters &counters = port.receive_queues()[i]->counters;
        stats->ipackets += counters.packets.get();
        stats->ibytes += counters.bytes.get();
        stats->ierrors += counters.errors.get();
        stats->rx_nombuf += counters.no_mbufs.get();
        if (queues != nullptr && i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            queues->q_ipackets[i] = counters.packets.get();
            queues->q_ibytes[i] = counters.bytes.get();
            queues->q_errors[i] = counters.errors.get();
        }
    }
    for (std::size_t i = 0; i < port.send_queues().size(); ++i) {
        if (port.send_queues()[i] == nullptr)
            continue;
        const QueueCounters &counters = port.send_queues()[i]->counters;
        stats->opackets += counters.packets.get();
        stats->obytes += counters.bytes.get();
        stats->oerrors += counters.errors.get() + counters.lost.get();
        if (queues != nullptr && i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            queues->q_opackets[i] = counters.packets.get();
            queues->q_obytes[i] = counters.bytes.get();
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

namespace {

/// Calls a function with the name and the counter of each extended statistic, in their order.
template <typename Function> unsigned for_each_extended(const Port &port, Function function) {
    unsigned index = 0;
    const auto each = [&](const auto &queues, const char *direction, const char *name,
                          Counter QueueCounters::*counter) {
        for (std::size_t i = 0; i < queues.size(); ++i) {
            if (queues[i])
                function(index++, direction + std::to_string(i) + name,
                         queues[i]->counters.*counter);
        }
    };
    each(port.receive_queues(), "rx_q", "_kicks", &QueueCounters::kicks);
    each(port.send_queues(), "tx_q", "_kicks", &QueueCounters::kicks);
    each(port.send_queues(), "tx_q", "_lost", &QueueCounters::lost);
    return index;
}

} // namespace

int get_extended_statistics(rte_eth_dev *ethdev, rte_eth_xstat *values, unsigned size) {
    return static_cast<int>(for_each_extended(
        port_of(*ethdev), [&](unsigned index, const std::string &, const Counter &counter) {
            if (values != nullptr && index < size)
                values[index] = {.id = index, .value = counter.get()};
        }));
}

int get_extended_names(rte_eth_dev *ethdev, rte_eth_xstat_name *names, unsigned size) {
    return static_cast<int>(for_each_extended(
        port_of(*ethdev), [&](unsigned index, const std::string &name, const Counter &) {
            if (names != nullptr && index < size)
                rte_strscpy(names[index].name, name.c_str(), sizeof names[index].name);
        }));
}

} // namespace netvsc::virtio
