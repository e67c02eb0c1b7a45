// SPDX-License-Identifier: BSD-3-Clause
//
// What Driver tells, and what it counts.

#include "driver.hpp"

#include "events.hpp"

#include <ethdev_driver.h>

namespace netvsc {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

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
        if (report.type == EventType::port_added)
            records_[report.number] = {.port_id = *port_id, .link_up = link_up};
        const auto record = records_.find(report.number);
        if (record == records_.end())
            return;
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
    }
    publish(std::move(event));
}

// Whoever raised it: what the application is told by ethdev and by us is the same.
void Driver::on_link_event(const rte_eth_dev &device) {
    const auto number = FailsafePort::number_of(device.data->name);
    if (!number)
        return;
    const bool up = device.data->dev_link.link_status == RTE_ETH_LINK_UP;
    Event event;
    {
        const std::lock_guard lock(mutex_);
        const auto record = records_.find(*number);
        if (record == records_.end() || record->second.link_up == up)
            return;
        const auto type = up ? EventType::link_up : EventType::link_down;
        if (const auto view = supervisor_.port(*number))
            record->second.netdevice = view->netdevice;
        record->second.count(type, now());
        event = event_of(type, *number, record->second, std::nullopt);
    }
    publish(std::move(event));
}

void Driver::refresh_link(PortNumber number) {
    const auto refreshed = port(number);
    if (!refreshed)
        return;
    bool told_up = false;
    {
        const std::lock_guard lock(mutex_);
        const auto record = records_.find(number);
        if (record == records_.end())
            return;
        told_up = record->second.link_up;
    }
    refreshed->refresh_link(told_up);
}

} // namespace netvsc
