// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/event_relay.hpp"

#include <algorithm>
#include <string>

#include <rte_dev.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Kind = PciEvent::Kind;

// EAL's monitor reads its socket in the same thread, in the same round.
constexpr auto patience = 10ms;

thread_local bool delivering = false;

void deliver_one(const PciAddress &pci, rte_dev_event_type event) {
    delivering = true;
    rte_dev_event_callback_process(pci.to_string().c_str(), event);
    delivering = false;
}

} // namespace

bool EventRelay::is_delivering() { return delivering; }

void EventRelay::note_removal(const PciAddress &pci) {
    const MutexLock lock(mutex_);
    if (expected_.erase(pci) == 0)
        delivered_.insert(pci);
}

void EventRelay::deliver(std::span<const PciEvent> events, TimePoint now) {
    const auto matters = [](const PciEvent &event) { return event.kind != Kind::unbound; };
    if (std::ranges::none_of(events, matters))
        return;
    const bool eal_monitor_runs = eal_monitor_.runs();
    for (const PciEvent &event : events) {
        if (matters(event) && !leave_to_others(event, eal_monitor_runs, now))
            deliver_one(event.address,
                        event.kind == Kind::removed ? RTE_DEV_EVENT_REMOVE : RTE_DEV_EVENT_ADD);
    }
}

bool EventRelay::leave_to_others(const PciEvent &event, bool eal_monitor_runs, TimePoint now) {
    const MutexLock lock(mutex_);
    const bool is_removal = event.kind == Kind::removed;
    if (delivered_.erase(event.address) != 0 && is_removal)
        return true;
    if (eal_monitor_runs && is_removal) {
        expected_.insert(event.address);
        deadline_ = now + patience;
    }
    return eal_monitor_runs;
}

std::optional<TimePoint> EventRelay::deadline() const {
    const MutexLock lock(mutex_);
    return deadline_;
}

void EventRelay::elapsed(TimePoint now) {
    std::set<PciAddress> missed;
    {
        const MutexLock lock(mutex_);
        if (!deadline_ || *deadline_ > now)
            return;
        deadline_.reset();
        missed.swap(expected_);
    }
    for (const PciAddress &pci : missed)
        deliver_one(pci, RTE_DEV_EVENT_REMOVE);
}

} // namespace netvsc
