// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/screen.hpp"

#include "netvsc-status/sections.hpp"
#include "netvsc-status/text.hpp"

#include <cstdio>

namespace netvsc::status {
namespace {

using nlohmann::json;

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

void add_line(std::string &screen, const std::string &name, const std::string &value) {
    screen += "  " + padded(name, 11) + value + "\n";
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

} // namespace

std::string screen_of(const json &status) {
    const Palette plain(false);
    std::string screen = title_of(status, plain);
    const json &ports = member(status, "ports");
    if (!ports.is_array() || ports.empty())
        screen += no_ports;
    else
        for (const json &port : ports)
            add_port(screen, port);
    return screen + passed_over_of(status) + lcores_of(status, plain) + events_of(status, plain);
}

} // namespace netvsc::status
