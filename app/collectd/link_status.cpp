// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/link_status.hpp"

#include "collectd/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace netvsc::collectd {
namespace {

// The notification of each event type of net_vdev_netvsc. Link and lcore events are not in the
// table: their notifications have the stock plugin's form.
struct Wording {
    std::string_view type;
    Severity severity;
    std::string_view text;
};
constexpr std::array wordings = {
    Wording{"port_added", Severity::okay, "Port added"},
    Wording{"port_removed", Severity::warning, "Port removed"},
    Wording{"vf_present", Severity::okay, "VF present"},
    Wording{"vf_attached", Severity::okay, "VF attached"},
    Wording{"vf_failed", Severity::failure, "VF failed"},
    Wording{"vf_removed", Severity::warning, "VF removed"},
    Wording{"vf_unused", Severity::warning, "VF unused"},
    Wording{"vf_unused_end", Severity::okay, "VF no longer unused"},
};

} // namespace

void LinkStatus::present(std::span<const unsigned> ports, Report &report) {
    std::erase_if(ports_, [&](const auto &entry) {
        return std::ranges::find(ports, entry.first) == ports.end();
    });
    if (std::exchange(names_checked_, true))
        return;
    if (ports.empty())
        report.messages.push_back(
            {.level = Level::warning,
             .text = "Event link_status: the application has no DPDK ports; waiting for some"});
    const auto watched_ports = static_cast<std::size_t>(
        std::ranges::count_if(ports, [this](unsigned port) { return watched(port); }));
    if (config_.port_names.size() > watched_ports)
        report.messages.push_back(
            {.level = Level::notice,
             .text = "Event link_status: " + std::to_string(config_.port_names.size()) +
                     " PortName lines, but the application has " + std::to_string(watched_ports) +
                     " enabled ports now: the other names wait for further ports"});
}

void LinkStatus::polled(unsigned port, bool up, Report &report) {
    if (config_.notify) {
        notify(port, up, {}, report);
        return;
    }
    const auto previous = std::exchange(ports_[port].reported, up);
    if (previous != up || !config_.only_changes)
        report.values.push_back({.plugin_instance = config_.name_of(port),
                                 .type_instance = "link_status",
                                 .value = up ? 1.0 : 0.0});
}

void LinkStatus::vf_unused(unsigned port, std::chrono::nanoseconds length, Report &report) {
    if (config_.notify) // then the link has no value, either
        return;
    if (std::exchange(ports_[port].vf_unused, length) != length || !config_.only_changes)
        report.values.push_back({.plugin_instance = config_.name_of(port),
                                 .type_instance = "vf_unused",
                                 .value = std::chrono::duration<double>(length).count()});
}

void LinkStatus::happened(const DriverEvent &event, std::chrono::nanoseconds age, Report &report) {
    if (!watched(event.port_id) || event.type.starts_with("lcore_"))
        return;
    auto &port = ports_[event.port_id];
    port.facts.name = event.facts.name;
    port.facts.netdevice = event.facts.netdevice;
    // vf_unused_end may follow vf_removed, and vf_unused concerns a held VF, too.
    if (event.type.starts_with("vf_") && !event.type.starts_with("vf_unused"))
        port.facts.vf = event.type == "vf_removed" ? "" : event.facts.vf;
    if (event.type == "link_up" || event.type == "link_down") {
        if (config_.notify)
            notify(event.port_id, event.type == "link_up", age, report);
        return;
    }
    const auto wording = std::ranges::find(wordings, event.type, &Wording::type);
    if (wording == wordings.end())
        return;
    Notification notification = about(event.port_id, event.facts);
    notification.severity = wording->severity;
    notification.age = age;
    notification.message = wording->text;
    if (!event.facts.vf.empty())
        notification.message += ": " + printable(event.facts.vf);
    if (!event.facts.netdevice.empty())
        notification.message += " of NetVSC " + printable(event.facts.netdevice);
    if (!event.reason.empty())
        notification.message += ": " + printable(event.reason);
    notification.metadata.emplace_back("event", event.type);
    report.notifications.push_back(std::move(notification));
    if (event.type == "port_removed")
        ports_.erase(event.port_id);
}

void LinkStatus::notify(unsigned port, bool up, std::chrono::nanoseconds age, Report &report) {
    auto &known = ports_[port];
    if (std::exchange(known.reported, up) == up && config_.only_changes)
        return;
    Notification notification = about(port, known.facts);
    notification.severity = up ? Severity::okay : Severity::warning;
    notification.message = up ? "Link Status: UP" : "Link Status: DOWN";
    notification.age = age;
    report.notifications.push_back(std::move(notification));
}

Notification LinkStatus::about(unsigned port, const PortFacts &facts) const {
    Notification notification;
    notification.plugin_instance = config_.name_of(port);
    const auto add = [&](const char *key, const std::string &value) {
        if (!value.empty())
            notification.metadata.emplace_back(key, printable(value));
    };
    add("port", facts.name);
    add("netvsc", facts.netdevice);
    add("vf", facts.vf);
    return notification;
}

void LinkStatus::forget() {
    ports_.clear();
    names_checked_ = false;
}

} // namespace netvsc::collectd
