// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/events.hpp"

#include "dpdk/clock.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"

#include <rte_alarm.h>

namespace netvsc {
namespace {

constexpr std::size_t kept_kernel_events = 256; // delivered soon, and only in order

template <auto bus> void deliver(void * /*unused*/) noexcept {
    guarded("events", [] { bus().deliver(); });
}

// A separate alarm: the publisher may hold locks of fail-safe or ethdev. An application's callback
// must not run with these locks held.
template <auto bus> void wake() {
    if (const int result = rte_eal_alarm_set(1, deliver<bus>, nullptr); result != 0)
        log(Message::Level::error, "rte_eal_alarm_set: error " + std::to_string(result) +
                                       "; the next event delivers this one, too");
}

} // namespace

EventBus &event_bus() {
    static auto *bus = new EventBus(wake<event_bus>);
    return *bus;
}

BasicEventBus<KernelEvent> &kernel_event_bus() {
    static auto *bus = new BasicEventBus<KernelEvent>(wake<kernel_event_bus>, kept_kernel_events);
    return *bus;
}

void publish(Event event) { event_bus().publish(std::move(event), now()); }

} // namespace netvsc
