// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"
#include "core/pci_event.hpp"

#include <mutex>
#include <optional>
#include <set>

namespace netvsc {

/// Hands devices' coming and going to the application's rte_dev_event_callback_register()
/// callbacks, as EAL's own monitor does, each once: what that monitor, or vfio's request to let go
/// of a device, has told already is not told again.
///
/// EAL's monitor tells of no removal of a device that DPDK has let go of by then, while EAL's
/// handler for lost registers is enabled: what it has not told a moment later we tell.
class EventRelay {
public:
    /// Whether it is one of us who calls the callbacks, in this thread and at this moment.
    [[nodiscard]] static bool is_telling();
    /// Somebody else has called them with RTE_DEV_EVENT_REMOVE, of a device that goes. Any thread.
    void heard_removal(const PciAddress &pci);

    /// To be called in EAL's interrupt thread, without locks.
    void hand_on(const PciEvent &event, TimePoint now);

    /// When elapsed() wants to be called; nullopt: not at all. Any thread.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    /// In EAL's interrupt thread, without locks.
    void elapsed(TimePoint now);

private:
    mutable std::mutex mutex_;      ///< a leaf
    std::set<PciAddress> heard_;    ///< removals told, whose uevents have not been read yet
    std::set<PciAddress> unheard_;  ///< removals that EAL's monitor is to tell
    std::optional<TimePoint> next_; ///< when those are told by us
};

} // namespace netvsc
