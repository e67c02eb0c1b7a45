// SPDX-License-Identifier: BSD-3-Clause
//
// What Driver tells, and what it counts.

#include "dpdk/clock.hpp"
#include "dpdk/events.hpp"
#include "runtime/driver.hpp"
#include "vf/vf_port.hpp"

#include <algorithm>
#include <utility>

#include <ethdev_driver.h>

namespace netvsc {
namespace {

Event event_of(EventType type, PortNumber number, const PortRecord &record,
               std::optional<PciAddress> vf) {
    return {.type = type,
            .port_id = record.port_id,
            .port = port_name(number),
            .netdevice = record.netdevice,
            .vf = vf,
            .lcore = -1};
}

} // namespace

void Driver::report(const Report &report) {
    const auto of = port(report.number);
    const auto port_id = of ? of->port_id() : std::nullopt;
    const bool link_up = of && of->link_up();
    Event event;
    {
        const std::lock_guard lock(mutex_);
        const auto view = supervisor_.port(report.number);
        if (!view || !port_id) // closed in the meantime
            return;
        const auto record = records_.find(report.number);
        if (record == records_.end())
            return;
        if (report.type == EventType::port_added) {
            record->second.port_id = *port_id;
            record->second.link_up = link_up;
        }
        record->second.netdevice = view->netdevice;
        record->second.count(report.type, now());
        event = event_of(report.type, report.number, record->second, report.vf);
    }
    publish(std::move(event));
}

void Driver::report_closed(PortNumber number) {
    Event event;
    {
        const std::lock_guard lock(mutex_);
        const auto record = records_.find(number);
        if (record == records_.end())
            return;
        event = event_of(EventType::port_removed, number, record->second, std::nullopt);
        records_.erase(record);
        if (event.port_id == no_port) // nobody knows it
            return;
    }
    publish(std::move(event));
}

// Whoever raised it: what the application is told by ethdev and by us is the same.
//
// fail-safe does not hear of its sub-devices' links (see link_events.hpp), and is made to look.
void Driver::on_link_event(const rte_eth_dev &device) {
    if (const auto number = FailsafePort::number_of(device.data->name)) {
        report_link(*number, device.data->dev_link.link_status == RTE_ETH_LINK_UP);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        const auto vf = vf_of(device);
        const auto above =
            vf ? supervisor_.port_with_vf(*vf) : fallback_device_number(device.data->name);
        if (!above)
            return;
        queue_.emplace_back(RefreshLink{.number = *above});
    }
    arm();
}

void Driver::report_link(PortNumber number, bool up) {
    Event event;
    {
        const std::lock_guard lock(mutex_);
        const auto record = records_.find(number);
        if (record == records_.end() || record->second.port_id == no_port ||
            record->second.link_up == up)
            return;
        const auto type = up ? EventType::link_up : EventType::link_down;
        if (const auto view = supervisor_.port(number))
            record->second.netdevice = view->netdevice;
        record->second.count(type, now());
        event = event_of(type, number, record->second, std::nullopt);
    }
    publish(std::move(event));
}

void Driver::refresh_link(PortNumber number) {
    const auto refreshed = port(number);
    if (!refreshed)
        return;
    const bool started = refreshed->started();
    const bool known_up = refreshed->link_up();
    bool told_up = false;
    bool missed = false;
    {
        const std::lock_guard lock(mutex_);
        const auto record = records_.find(number);
        if (record == records_.end() || record->second.port_id == no_port)
            return;
        missed = std::exchange(record->second.link_missed, !started);
        told_up = record->second.link_up;
    }
    if (!started)
        return;
    if (missed) { // the application has asked since: what it was answered is what it knows
        report_link(number, known_up);
        told_up = known_up;
    }
    refreshed->refresh_link(told_up);
}

// ---- Counting.

void Driver::note_notification(const Commands &commands, TimePoint read) {
    const std::lock_guard lock(mutex_);
    for (const Command &command : commands) {
        const auto *announce = std::get_if<Announce>(&command);
        if (announce == nullptr)
            continue;
        if (const auto record = records_.find(announce->number); record != records_.end())
            record->second.noticed = read;
    }
}

void Driver::note_announcement(PortNumber number) {
    const std::lock_guard lock(mutex_);
    if (const auto record = records_.find(number); record != records_.end())
        record->second.announced(now());
}

void Driver::count(PortNumber number, std::uint64_t PortRecord::*counter) {
    const std::lock_guard lock(mutex_);
    if (const auto record = records_.find(number); record != records_.end())
        ++(record->second.*counter);
}

// ---- Showing.

std::vector<PortStatus> Driver::status() {
    std::vector<PortStatus> all;
    std::vector<std::shared_ptr<FailsafePort>> ports;
    {
        const std::lock_guard lock(mutex_);
        for (auto &view : supervisor_.ports()) {
            const auto record = records_.find(view.number);
            const auto port = ports_.find(view.number);
            if (port == ports_.end() || record == records_.end() ||
                record->second.port_id == no_port)
                continue;
            all.push_back({.name = port_name(view.number),
                           .fallback = port->second->slow_path().kind,
                           .view = std::move(view),
                           .record = record->second});
            ports.push_back(port->second);
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        const VfState vf = all[i].view.vf_state;
        if (!ports[i]->started())
            all[i].path = Path::none;
        else if (vf == VfState::attached || vf == VfState::recovering)
            all[i].path = Path::vf;
        else
            all[i].path = ports[i]->has_fallback() ? Path::fallback : Path::none;
    }
    std::ranges::sort(all, {}, [](const PortStatus &port) { return port.record.port_id; });
    return all;
}

DriverCounters Driver::counters() {
    const std::lock_guard lock(mutex_);
    DriverCounters counters;
    if (monitor_) {
        const auto &links = monitor_->counters();
        counters.resyncs = links.dumps - 1; // the first is no resync
        counters.dropped_messages = links.dropped;
    }
    if (uevents_) {
        counters.resyncs += uevents_->counters().overruns;
        counters.dropped_messages += uevents_->counters().dropped;
    }
    return counters;
}

} // namespace netvsc
