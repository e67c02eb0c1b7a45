// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/command.hpp"
#include "core/pci_event.hpp"
#include "runtime/eal_monitor.hpp"

#include <optional>
#include <set>
#include <span>

namespace netvsc {

/// Delivers PCI devices' arrivals and removals to the callbacks that the application registered by
/// rte_dev_event_callback_register(), as EAL's own monitor does. Delivers each event once: not what
/// that monitor, or vfio's release request, has delivered already.
///
/// While EAL's handler for lost registers is enabled, EAL's monitor does not deliver the removal of
/// a device that DPDK has released by then. If EAL's monitor has not delivered a removal within
/// 10 ms, the relay delivers it.
class EventRelay {
public:
    /// Whether the relay is calling the callbacks in this thread at this moment.
    [[nodiscard]] static bool is_delivering();
    /// Somebody else has delivered RTE_DEV_EVENT_REMOVE for this device. Any thread.
    void note_removal(const PciAddress &pci);

    /// In EAL's interrupt thread, without locks.
    void deliver(std::span<const PciEvent> events, TimePoint now);

    /// When elapsed() needs a call; nullopt: nothing is pending. Any thread.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    /// In EAL's interrupt thread, without locks.
    void elapsed(TimePoint now);

private:
    [[nodiscard]] bool leave_to_others(const PciEvent &event, bool eal_monitor_runs, TimePoint now);

    EalMonitor eal_monitor_; ///< for the interrupt thread alone
    mutable Mutex mutex_;    ///< a leaf
    /// Removals that others delivered, whose uevents are still to be read.
    std::set<PciAddress> delivered_ NETVSC_GUARDED_BY(mutex_);
    /// Removals that EAL's monitor is expected to deliver.
    std::set<PciAddress> expected_ NETVSC_GUARDED_BY(mutex_);
    std::optional<TimePoint> deadline_ NETVSC_GUARDED_BY(mutex_); ///< of the expected ones
};

} // namespace netvsc
