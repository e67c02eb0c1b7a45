// SPDX-License-Identifier: BSD-3-Clause
//
// The keepalive's events on ethdev ports: RTE_ETH_EVENT_QUEUE_STATE, and what it is about.

#include "failsafe/failsafe_port.hpp"
#include "keepalive/keepalive.hpp"

#include <ethdev_driver.h>

namespace netvsc {
namespace {

// An lcore's first poll is no event, nor is what follows a death.
bool is_queue_event(const LcoreChange &change) {
    return change.to == LcoreState::missing || change.to == LcoreState::dead ||
           (change.to == LcoreState::alive && change.from != LcoreState::unused);
}

} // namespace

void Keepalive::raise_queue_state(std::uint16_t port) {
    if (rte_eth_dev_is_valid_port(port) != 0 &&
        FailsafePort::number_of(rte_eth_devices[port].data->name))
        rte_eth_dev_callback_process(&rte_eth_devices[port], RTE_ETH_EVENT_QUEUE_STATE, nullptr);
}

std::vector<std::uint16_t>
Keepalive::add_queue_events_locked(const std::vector<LcoreChange> &changes, const Moment &now) {
    std::vector<std::uint16_t> ports;
    for (const LcoreChange &change : changes) {
        if (!is_queue_event(change))
            continue;
        for (const auto &[port, queue] : watch_.queues_of(change.lcore)) {
            queue_events_.add({.port = port,
                               .queue = queue,
                               .lcore = change.lcore,
                               .state = change.to,
                               .time = now.time});
            ports.push_back(port);
        }
    }
    return ports;
}

std::optional<QueueEvent> Keepalive::next_queue_event(std::uint16_t port) {
    const MutexLock lock(mutex_);
    return queue_events_.next(port);
}

} // namespace netvsc
