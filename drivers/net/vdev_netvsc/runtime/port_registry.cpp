// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/port_registry.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {
namespace {

Event event_of(EventType type, PortNumber number, const PortRecord &record,
               std::optional<PciAddress> vf, VfUnused reason = VfUnused::no) {
    return {.type = type,
            .port_id = record.port_id,
            .port = port_name(number),
            .netdevice = record.netdevice,
            .vf = vf,
            .lcore = -1,
            .reason = reason};
}

Path path_of(VfState vf, const PortDevice::State &port) {
    if (!port.started)
        return Path::none;
    if (vf == VfState::attached || vf == VfState::recovering)
        return Path::vf;
    return port.has_fallback ? Path::fallback : Path::none;
}

} // namespace

PortRecord *PortRegistry::find_record_locked(PortNumber number) {
    const auto found = ports_.find(number);
    return found != ports_.end() ? &found->second.record : nullptr;
}

void PortRegistry::add(PortNumber number, std::shared_ptr<PortDevice> device) {
    const MutexLock lock(mutex_);
    ports_[number] = {.device = std::move(device), .record = {}};
}

void PortRegistry::remove(PortNumber number) {
    Entry removed;
    {
        const MutexLock lock(mutex_);
        const auto found = ports_.find(number);
        if (found == ports_.end())
            return;
        removed = std::move(found->second);
        ports_.erase(found);
    }
    if (removed.record.port_id != no_port)
        publish_(event_of(EventType::port_removed, number, removed.record, std::nullopt));
}

std::shared_ptr<PortDevice> PortRegistry::find(PortNumber number) const {
    const MutexLock lock(mutex_);
    const auto found = ports_.find(number);
    return found != ports_.end() ? found->second.device : nullptr;
}

// ---- Events.

void PortRegistry::report(const Report &report, TimePoint now) {
    const auto device = find(report.number);
    const auto netdevice = netdevice_of_(report.number);
    if (!device || !netdevice)
        return;
    const auto state = device->state();
    if (!state.port_id)
        return;
    Event event;
    {
        const MutexLock lock(mutex_);
        PortRecord *record = find_record_locked(report.number);
        if (record == nullptr)
            return;
        if (report.type == EventType::port_added) {
            record->port_id = *state.port_id;
            record->link_up = state.link_up;
        }
        record->netdevice = *netdevice;
        record->count(report.type, now);
        event = event_of(report.type, report.number, *record, report.vf, report.reason);
    }
    publish_(std::move(event));
}

void PortRegistry::report_link(PortNumber number, bool up, TimePoint now) {
    auto netdevice = netdevice_of_(number);
    Event event;
    {
        const MutexLock lock(mutex_);
        PortRecord *record = find_record_locked(number);
        if (record == nullptr || record->port_id == no_port || record->link_up == up)
            return;
        if (netdevice)
            record->netdevice = std::move(*netdevice);
        const auto type = up ? EventType::link_up : EventType::link_down;
        record->count(type, now);
        event = event_of(type, number, *record, std::nullopt);
    }
    publish_(std::move(event));
}

void PortRegistry::refresh_link(PortNumber number, TimePoint now) {
    const auto device = find(number);
    if (!device)
        return;
    const auto state = device->state();
    bool reported_up = false;
    bool missed = false;
    {
        const MutexLock lock(mutex_);
        PortRecord *record = find_record_locked(number);
        if (record == nullptr || record->port_id == no_port)
            return;
        missed = std::exchange(record->link_missed, !state.started);
        reported_up = record->link_up;
    }
    if (!state.started)
        return;
    // The link may have changed while the port was stopped, and the application has read it since.
    if (missed) {
        report_link(number, state.link_up, now);
        reported_up = state.link_up;
    }
    device->refresh_link(reported_up);
}

// ---- Statistics.

void PortRegistry::note_notification(std::span<const TrafficCommand> commands, TimePoint read) {
    const MutexLock lock(mutex_);
    for (const TrafficCommand &command : commands) {
        if (const auto *announce = std::get_if<Announce>(&command)) {
            if (PortRecord *record = find_record_locked(announce->number))
                record->noticed = read;
        } else if (const auto *withdraw = std::get_if<Withdraw>(&command)) {
            if (PortRecord *record = find_record_locked(withdraw->number))
                record->leaving = read;
        }
    }
}

void PortRegistry::note_announcement(PortNumber number, TimePoint now) {
    const MutexLock lock(mutex_);
    if (PortRecord *record = find_record_locked(number))
        record->announced(now);
}

void PortRegistry::note_detachment(PortNumber number, TimePoint now) {
    const MutexLock lock(mutex_);
    if (PortRecord *record = find_record_locked(number))
        record->detached(now);
}

void PortRegistry::count(PortNumber number, std::uint64_t PortRecord::*counter) {
    const MutexLock lock(mutex_);
    if (PortRecord *record = find_record_locked(number))
        ++(record->*counter);
}

std::map<PortNumber, PortRegistry::Entry> PortRegistry::entries() const {
    const MutexLock lock(mutex_);
    return ports_;
}

std::vector<PortStatus> status_of(std::vector<Supervisor::PortView> views,
                                  const std::map<PortNumber, PortRegistry::Entry> &entries) {
    std::vector<PortStatus> all;
    for (auto &view : views) {
        const auto entry = entries.find(view.number);
        if (entry == entries.end() || entry->second.record.port_id == no_port)
            continue;
        const auto &[device, record] = entry->second;
        const Path path = path_of(view.vf_state, device->state());
        all.push_back({.name = port_name(view.number),
                       .fallback = device->fallback(),
                       .view = std::move(view),
                       .record = record,
                       .path = path});
    }
    std::ranges::sort(all, {}, [](const PortStatus &port) { return port.record.port_id; });
    return all;
}

} // namespace netvsc
