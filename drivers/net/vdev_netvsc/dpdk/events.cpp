// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/events.hpp"

#include "dpdk/clock.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"

#include <rte_alarm.h>

namespace netvsc {
namespace {

void deliver(void * /*unused*/) noexcept {
    guarded("events", [] { event_bus().deliver(); });
}

// An alarm of its own: whoever publishes may do so from within fail-safe or ethdev, whose locks
// no callback of an application's may find held.
void wake() {
    if (const int result = rte_eal_alarm_set(1, deliver, nullptr); result != 0)
        log(Message::Level::error, "rte_eal_alarm_set: error " + std::to_string(result) +
                                       "; events are told with the next one");
}

} // namespace

EventBus &event_bus() {
    static auto *bus = new EventBus(wake);
    return *bus;
}

void publish(Event event) { event_bus().publish(std::move(event), now()); }

} // namespace netvsc
