// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/screen.hpp"

#include "telemetry/json_fields.hpp"
#include "telemetry/printable_text.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace netvsc::status {
namespace {

using nlohmann::json;

std::string text_in(const json &object, const char *key) {
    return printable_text(json_field<std::string>(object, key).value_or(""));
}

std::uint64_t number_in(const json &object, const char *key) {
    return json_field<std::uint64_t>(object, key).value_or(0);
}

const json &member(const json &object, const char *key) {
    static const json nothing;
    if (!object.is_object())
        return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

std::string right(const std::string &text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
}

// " for 12 s": the time since @p then; empty if @p then is 0.
std::string since(std::uint64_t then, std::uint64_t now) {
    return then == 0 ? "" : " for " + length_of(now - std::min(then, now));
}

std::string milliseconds(std::uint64_t microseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(microseconds) / 1000);
    return text;
}

// "to the VF in 54.1 ms, longest 60.2 ms"; empty if none was measured.
std::string durations(const json &stats, const std::string &where, const std::string &what) {
    const std::uint64_t longest = number_in(stats, (what + "_max_us").c_str());
    return longest == 0
               ? ""
               : where + " in " + milliseconds(number_in(stats, (what + "_last_us").c_str())) +
                     ", longest " + milliseconds(longest);
}

std::string times(std::uint64_t count) {
    return count == 1 ? "once" : std::to_string(count) + " times";
}

void add_line(std::string &screen, const std::string &name, const std::string &value) {
    screen += "  " + padded(name, 11) + value + "\n";
}

// ": probe failed": why the VF is unused; empty if no reason is given.
std::string because(std::string reason) {
    std::ranges::replace(reason, '_', ' ');
    return reason.empty() ? "" : ": " + reason;
}

std::string path_of(const json &port) {
    const std::string path = text_in(port, "path");
    const std::string slow = text_in(port, "fallback");
    if (path == "vf")
        return "VF (" + slow + " on standby)";
    if (path == "fallback") {
        const std::uint64_t unused = number_in(port, "vf_unused_since_ns");
        return slow + " (fallback)" +
               (unused == 0 ? ""
                            : "; the VF is unused" + since(unused, number_in(port, "now_ns")) +
                                  because(text_in(port, "vf_unused_reason")));
    }
    return "none: the port is stopped, or has neither VF nor " + slow;
}

void add_port(std::string &screen, const json &port) {
    const std::uint64_t now = number_in(port, "now_ns");
    const json &stats = member(port, "stats");
    screen += "Port " + std::to_string(number_in(port, "port_id")) + "  " + text_in(port, "name") +
              " of " + text_in(port, "instance") + "\n";
    const std::uint64_t ifindex = number_in(port, "ifindex");
    add_line(screen, "NetVSC",
             text_in(port, "netdevice") +
                 (ifindex == 0 ? " (removed)" : " (ifindex " + std::to_string(ifindex) + ")") +
                 "  " + text_in(port, "mac"));
    const std::string vf = text_in(port, "vf");
    add_line(screen, "VF",
             (vf.empty() ? "none" : vf + " " + text_in(port, "vf_state")) +
                 (number_in(port, "vf_held") != 0 ? ", held" : "") +
                 since(number_in(port, "last_vf_change_ns"), now));
    add_line(screen, "Link",
             text_in(port, "link") + since(number_in(port, "last_link_change_ns"), now));
    add_line(screen, "Path", path_of(port));
    const std::uint64_t added = number_in(stats, "plug_ins");
    std::string history =
        added == 0 ? "none added"
                   : "added " + times(added) + ", removed " + times(number_in(stats, "removals"));
    if (const std::string announced = durations(stats, "announced", "announce"); !announced.empty())
        history += "; " + announced;
    add_line(screen, "VF history", history);
    const std::string to_vf = durations(stats, "to the VF", "attach");
    const std::string to_fallback = durations(stats, "to " + text_in(port, "fallback"), "detach");
    if (!to_vf.empty() || !to_fallback.empty())
        add_line(screen, "Switches",
                 to_vf + (to_vf.empty() || to_fallback.empty() ? "" : "; ") + to_fallback);
    const std::uint64_t binds = number_in(stats, "failed_binds");
    const std::uint64_t probes = number_in(stats, "failed_probes");
    if (binds + probes != 0)
        add_line(screen, "Failed",
                 std::to_string(binds) + " binds, " + std::to_string(probes) + " probes");
    screen += "\n";
}

void add_passed_over(std::string &screen, const json &netdevices) {
    if (!netdevices.is_array() || netdevices.empty())
        return;
    screen += "NetVSC netdevices without a port: they have an address\n";
    for (const json &netdevice : netdevices)
        screen += "  " + padded(text_in(netdevice, "netdevice"), 11) + text_in(netdevice, "mac") +
                  "  " + text_in(netdevice, "address") + "\n";
    screen += "\n";
}

void add_lcores(std::string &screen, const json &keepalive) {
    const std::uint64_t period = number_in(keepalive, "period_ms");
    if (period == 0) {
        screen += "Lcores not watched (argument keepalive=)\n\n";
        return;
    }
    screen += "Lcores, watched every " + std::to_string(period) + " ms, in " +
              text_in(keepalive, "shm") + "\n";
    const json &lcores = member(keepalive, "lcores");
    std::map<unsigned long, const json *> in_order;
    if (lcores.is_object()) {
        for (const auto &[number, lcore] : lcores.items())
            in_order[std::strtoul(number.c_str(), nullptr, 10)] = &lcore;
    }
    if (in_order.empty())
        screen += "  none polls a port yet\n";
    for (const auto &[number, lcore] : in_order) {
        const std::uint64_t deaths = number_in(*lcore, "deaths");
        screen += right(std::to_string(number), 5) + "  " + padded(text_in(*lcore, "state"), 8) +
                  "  last polled " + length_of(number_in(*lcore, "last_seen_ms") * 1'000'000) +
                  " ago" + (deaths == 0 ? "" : ", died " + times(deaths)) + "\n";
    }
    screen += "\n";
}

std::string subject_of(const json &event) {
    if (const auto lcore = json_field<int>(event, "lcore"); lcore && *lcore >= 0)
        return "lcore " + std::to_string(*lcore);
    std::string subject = text_in(event, "port");
    if (const std::string netdevice = text_in(event, "netdevice"); !netdevice.empty())
        subject += " (" + netdevice + ")";
    if (const std::string vf = text_in(event, "vf"); !vf.empty())
        subject += "  VF " + vf;
    return subject + because(text_in(event, "reason"));
}

void add_events(std::string &screen, const json &status) {
    const json &events = member(status, "events");
    if (!events.is_array() || events.empty())
        return;
    const std::uint64_t now = number_in(status, "now_ns");
    screen += "Last events\n";
    for (const json &event : events) {
        const std::uint64_t time = number_in(event, "time_ns");
        screen += right(std::to_string(number_in(event, "seq")), 5) + "  " +
                  right(length_of(now - std::min(time, now)) + " ago", 15) + "  " +
                  padded(text_in(event, "type"), 13) + "  " + subject_of(event) + "\n";
    }
}

} // namespace

std::string length_of(std::uint64_t nanoseconds) {
    const std::uint64_t tenths = nanoseconds / 100'000'000;
    const std::uint64_t seconds = tenths / 10;
    const std::uint64_t minutes = seconds / 60;
    const std::uint64_t hours = minutes / 60;
    const auto text = [](std::uint64_t number) { return std::to_string(number); };
    if (seconds == 0)
        return text(nanoseconds / 1'000'000) + " ms";
    if (seconds < 10)
        return text(seconds) + "." + text(tenths % 10) + " s";
    if (minutes == 0)
        return text(seconds) + " s";
    if (hours == 0)
        return text(minutes) + " min " + text(seconds % 60) + " s";
    if (hours < 24)
        return text(hours) + " h " + text(minutes % 60) + " min";
    return text(hours / 24) + " d " + text(hours % 24) + " h";
}

std::string screen_of(const json &status) {
    std::string screen = "DPDK application with --file-prefix " + text_in(status, "file_prefix") +
                         ": " + text_in(status, "version") + ", process " +
                         std::to_string(number_in(status, "pid")) + "\n\n";
    const json &ports = member(status, "ports");
    if (!ports.is_array() || ports.empty())
        screen += "No ports: net_vdev_netvsc is loaded, but has none\n\n";
    else
        for (const json &port : ports)
            add_port(screen, port);
    add_passed_over(screen, member(status, "passed_over"));
    if (const json &keepalive = member(status, "keepalive"); keepalive.is_object())
        add_lcores(screen, keepalive);
    add_events(screen, status);
    return screen;
}

} // namespace netvsc::status
