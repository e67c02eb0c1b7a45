// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/port_record.hpp"
#include "runtime/devices.hpp"
#include "runtime/port_status.hpp"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace netvsc {

/// The driver's fail-safe ports: the device, the statistics and the last reported events of each.
/// Any thread. Its mutex is a leaf: nothing else is called while it is held.
class PortRegistry {
public:
    using Publish = std::function<void(Event)>;
    /// @return the name of a port's NetVSC netdevice; nullopt: the core has no such port
    using NetdeviceOf = std::function<std::optional<std::string>(PortNumber)>;

    /// @param publish       receives the events. Called without a lock.
    /// @param netdevice_of  called without a lock
    PortRegistry(Publish publish, NetdeviceOf netdevice_of)
        : publish_(std::move(publish)), netdevice_of_(std::move(netdevice_of)) {}

    void add(PortNumber number, std::shared_ptr<PortDevice> device);
    /// Removes a port that was closed or not created. Reports it, if port_added was reported.
    void remove(PortNumber number);
    /// @return nullptr if there is no such port
    [[nodiscard]] std::shared_ptr<PortDevice> find(PortNumber number) const;

    // ---- Events.

    /// Publishes an event of the core. Does nothing for a port that was closed in between.
    void report(const Report &report, TimePoint now);
    /// Publishes a change of the fail-safe port's link. Does nothing if @p up was the last
    /// reported state.
    void report_link(PortNumber number, bool up, TimePoint now);
    /// Makes fail-safe read its link again; see PortDevice::refresh_link().
    void refresh_link(PortNumber number, TimePoint now);

    // ---- Statistics.

    /// The notification that has led to these commands was read at this time.
    void note_notification(std::span<const TrafficCommand> commands, TimePoint read);
    /// The VF's address was written into the pipe.
    void note_announcement(PortNumber number, TimePoint now);
    /// fail-safe uses the fallback in place of the VF.
    void note_detachment(PortNumber number, TimePoint now);
    void count(PortNumber number, std::uint64_t PortRecord::*counter);

    struct Entry {
        std::shared_ptr<PortDevice> device;
        PortRecord record; ///< without a port id until port_added is reported
    };
    [[nodiscard]] std::map<PortNumber, Entry> entries() const;

private:
    [[nodiscard]] PortRecord *find_record_locked(PortNumber number) NETVSC_REQUIRES(mutex_);

    const Publish publish_;
    const NetdeviceOf netdevice_of_;
    mutable Mutex mutex_;
    std::map<PortNumber, Entry> ports_ NETVSC_GUARDED_BY(mutex_);
};

/// The status of the ports that were reported, ordered by port id.
/// @param views    the core's view of the ports
/// @param entries  the registry's entries of the same moment
[[nodiscard]] std::vector<PortStatus>
status_of(std::vector<Supervisor::PortView> views,
          const std::map<PortNumber, PortRegistry::Entry> &entries);

} // namespace netvsc
