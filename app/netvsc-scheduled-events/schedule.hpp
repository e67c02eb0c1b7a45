// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-scheduled-events/document.hpp"

#include <map>
#include <string>
#include <utility>

namespace netvsc::scheduled {

/// Which events need this machine's VFs held, and when.
struct Policy {
    std::string machine;                      ///< the name of this virtual machine
    std::chrono::milliseconds before{30'000}; ///< how long before the earliest start of an event
    std::chrono::milliseconds longest{1'800'000}; ///< limit for each event and status
};

/// Decides when VFs are held. Does no I/O, and receives the time.
///
/// A Freeze or Redeploy of this machine holds from Policy::before its earliest start, or from its
/// start, until Azure no longer lists it.
class Schedule {
public:
    explicit Schedule(Policy policy) : policy_(std::move(policy)) {}

    /// Replaces the list of events. Without a call the last list stays valid.
    void update(std::vector<Event> events);

    /// @return the event for which VFs must be held at @p now, or null; valid until update()
    [[nodiscard]] const Event *holding(Time now);

    /// Whether Azure lists an event with this id.
    [[nodiscard]] bool lists(const std::string &id) const;

    /// Whether VFs are held for @p event when its time has come.
    [[nodiscard]] bool concerns(const Event &event) const;

    /// When the hold for @p event begins; nullopt: now.
    [[nodiscard]] std::optional<Time> begin_of(const Event &event) const;

private:
    Policy policy_;
    std::vector<Event> events_;
    /// When the hold for an event (id, status) began.
    std::map<std::pair<std::string, std::string>, Time> begun_;
};

} // namespace netvsc::scheduled
