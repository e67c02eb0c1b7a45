// SPDX-License-Identifier: BSD-3-Clause
//
// The telemetry commands /vdev_netvsc/... They run in DPDK's telemetry threads and access no
// device. So they show the state of a device that hangs.

#include "core/event_page.hpp"
#include "core/telemetry_parameter.hpp"
#include "dpdk/clock.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/telemetry_data.hpp"
#include "runtime/driver.hpp"

#include <algorithm>

#include <rte_common.h>

namespace netvsc {
namespace {

// The limit for the events in an answer. An answer has at most 16 KiB (rte_telemetry.h).
constexpr std::size_t events_budget = 15UL * 1024;

std::uint64_t us_of(std::chrono::microseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

std::uint64_t now_ns() { return ns_of(now()); }

std::optional<PortStatus> port_named(const char *parameter) {
    const auto port_id = parse_parameter<std::uint16_t>(parameter);
    if (!port_id)
        return std::nullopt;
    for (PortStatus &port : Driver::get().status()) {
        if (port.record.port_id == *port_id)
            return std::move(port);
    }
    return std::nullopt;
}

int list(rte_tel_data *answer) {
    rte_tel_data_start_array(answer, RTE_TEL_INT_VAL);
    for (const PortStatus &port : Driver::get().status())
        rte_tel_data_add_array_int(answer, port.record.port_id);
    return 0;
}

int info(const char *parameter, rte_tel_data *answer) {
    const auto port = port_named(parameter);
    if (!port)
        return -EINVAL;
    TelemetryDict dict(answer);
    dict.add("port_id", int{port->record.port_id});
    dict.add("name", port->name);
    dict.add("instance", port->view.instance);
    dict.add("netdevice", printable(port->view.netdevice));
    dict.add("ifindex", port->view.ifindex);
    dict.add("mac", port->view.mac ? port->view.mac->to_string() : "");
    dict.add("fallback", std::string(port->fallback ? name_of(*port->fallback) : "none"));
    dict.add("vf", text_of(port->view.vf));
    dict.add("vf_state", std::string(name_of(port->view.vf_state)));
    dict.add("vf_held", int{port->view.vf_held});
    dict.add("link", std::string(port->record.link_up ? "up" : "down"));
    dict.add("path", std::string(name_of(port->path)));
    dict.add("last_link_change_ns", ns_of(port->record.last_link_change));
    dict.add("last_vf_change_ns", ns_of(port->record.last_vf_change));
    dict.add("vf_unused_since_ns", ns_of(port->view.vf_unused_since));
    dict.add("vf_unused_reason", std::string(name_of(port->view.vf_unused)));
    dict.add("now_ns", now_ns());
    return 0;
}

int hold(const char *parameter, bool held, rte_tel_data *answer) {
    const auto port_id = parse_parameter<std::uint16_t>(parameter);
    if (!port_id || !Driver::get().hold_vf(*port_id, held))
        return -EINVAL;
    TelemetryDict dict(answer);
    dict.add("port_id", int{*port_id});
    dict.add("vf_held", int{held});
    return 0;
}

// A dictionary by ifindex, as the answer of events() is one by number.
int passed_over(rte_tel_data *answer) {
    TelemetryDict by_ifindex(answer);
    for (const auto &[ifindex, netdevice, mac, address] : Driver::get().passed_over()) {
        rte_tel_data *one = new_telemetry_data();
        TelemetryDict entry(one);
        entry.add("netdevice", printable(netdevice));
        entry.add("ifindex", ifindex);
        entry.add("mac", mac ? mac->to_string() : "");
        entry.add("address", text_of(address));
        by_ifindex.add(std::to_string(ifindex).c_str(), one);
    }
    return 0;
}

// <what>_last_us, <what>_max_us and <what>_histogram.
void add_durations(TelemetryDict &dict, const std::string &what,
                   const LatencyHistogram &durations) {
    rte_tel_data *classes = new_telemetry_data();
    TelemetryDict histogram(classes);
    const LatencyHistogram::Counts counts = durations.cumulative();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const std::string name = i < LatencyHistogram::bounds_ms.size()
                                     ? "le_" + std::to_string(LatencyHistogram::bounds_ms[i]) + "ms"
                                     : "le_inf";
        histogram.add(name.c_str(), counts[i]);
    }
    dict.add((what + "_last_us").c_str(), us_of(durations.last()));
    dict.add((what + "_max_us").c_str(), us_of(durations.longest()));
    dict.add((what + "_histogram").c_str(), classes);
}

int stats(const char *parameter, rte_tel_data *answer) {
    const auto port = port_named(parameter);
    if (!port)
        return -EINVAL;
    const DriverCounters counters = Driver::get().counters();
    const PortRecord &record = port->record;
    TelemetryDict dict(answer);
    dict.add("plug_ins", record.plug_ins);
    dict.add("removals", record.removals);
    dict.add("failed_binds", record.failed_binds);
    dict.add("failed_probes", record.failed_probes);
    dict.add("resyncs", counters.resyncs);
    dict.add("dropped_messages", counters.dropped_messages);
    add_durations(dict, "announce", record.announcements);
    add_durations(dict, "attach", record.attachments);
    add_durations(dict, "detach", record.detachments);
    return 0;
}

int events(const char *parameter, rte_tel_data *answer) {
    std::uint64_t since = 0;
    if (parameter != nullptr && *parameter != '\0') {
        const auto wanted = parse_parameter<std::uint64_t>(parameter);
        if (!wanted)
            return -EINVAL;
        since = *wanted;
    }
    const auto page = page_of(event_bus().since(since), events_budget);
    // A dictionary by number: DPDK 22.11 leaves out an array of dictionaries within a dictionary.
    rte_tel_data *all = new_telemetry_data();
    TelemetryDict by_sequence(all);
    TelemetryDict dict(answer);
    dict.add("first", page.first);
    dict.add("next", page.next);
    dict.add("now_ns", now_ns());
    dict.add("events", all);
    for (const auto &[sequence, time, event] : page.events) {
        rte_tel_data *one = new_telemetry_data();
        TelemetryDict entry(one);
        entry.add("seq", sequence);
        entry.add("time_ns", ns_of(time));
        entry.add("type", std::string(name_of(event.type)));
        entry.add("port_id", int{event.port_id});
        entry.add("port", event.port);
        entry.add("netdevice", printable(event.netdevice));
        entry.add("vf", text_of(event.vf));
        entry.add("lcore", event.lcore);
        entry.add("reason", std::string(name_of(event.reason)));
        by_sequence.add(std::to_string(sequence).c_str(), one);
    }
    return 0;
}

extern "C" {

int answer_list(const char * /*command*/, const char * /*parameter*/, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return list(answer); });
}

int answer_info(const char * /*command*/, const char *parameter, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return info(parameter, answer); });
}

int answer_stats(const char * /*command*/, const char *parameter, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return stats(parameter, answer); });
}

int answer_hold(const char * /*command*/, const char *parameter, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return hold(parameter, true, answer); });
}

int answer_release(const char * /*command*/, const char *parameter, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return hold(parameter, false, answer); });
}

int answer_passed_over(const char * /*command*/, const char * /*parameter*/, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return passed_over(answer); });
}

int answer_events(const char * /*command*/, const char *parameter, rte_tel_data *answer) {
    return guarded("telemetry", [&] { return events(parameter, answer); });
}
}

RTE_INIT(register_telemetry) {
    rte_telemetry_register_cmd(
        "/vdev_netvsc/list", answer_list,
        "Returns the fail-safe ports created over NetVSC netdevices. Takes no "
        "parameters");
    rte_telemetry_register_cmd("/vdev_netvsc/info", answer_info,
                               "Returns the state of a port. Parameters: int port_id");
    rte_telemetry_register_cmd("/vdev_netvsc/stats", answer_stats,
                               "Returns the counters of a port. Parameters: int port_id");
    rte_telemetry_register_cmd("/vdev_netvsc/events", answer_events,
                               "Returns the last events. Parameters: the first sequence number "
                               "wanted (optional)");
    rte_telemetry_register_cmd("/vdev_netvsc/hold", answer_hold,
                               "Detaches the VF of a port until it is released. Parameters: int "
                               "port_id");
    rte_telemetry_register_cmd("/vdev_netvsc/release", answer_release,
                               "Attaches the held VF of a port again. Parameters: int port_id");
    rte_telemetry_register_cmd("/vdev_netvsc/passed_over", answer_passed_over,
                               "Returns the NetVSC netdevices that instances without iface= and "
                               "mac= do not attach to, and why. Takes no parameters");
}

} // namespace
} // namespace netvsc
