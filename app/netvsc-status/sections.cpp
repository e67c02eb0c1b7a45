// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/sections.hpp"

#include "netvsc-status/text.hpp"
#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace netvsc::status {
namespace {

using nlohmann::json;

Colour colour_of_lcore(const std::string &state) {
    if (state == "ALIVE")
        return Colour::good;
    if (state == "DEAD" || state == "GONE")
        return Colour::bad;
    return state == "MISSING" ? Colour::busy : Colour::none;
}

Colour colour_of_event(const std::string &type) {
    if (type == "vf_attached" || type == "link_up" || type == "lcore_alive" ||
        type == "vf_unused_end")
        return Colour::good;
    if (type == "vf_failed" || type == "link_down" || type == "lcore_dead")
        return Colour::bad;
    return type == "vf_removed" || type == "vf_unused" || type == "lcore_missing" ? Colour::busy
                                                                                  : Colour::none;
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

} // namespace

std::string title_of(const json &status, const Palette &palette) {
    return palette(Colour::heading,
                   "DPDK application with --file-prefix " + text_in(status, "file_prefix")) +
           ": " + text_in(status, "version") + ", process " +
           std::to_string(number_in(status, "pid")) + "\n\n";
}

std::string passed_over_of(const json &status) {
    const json &netdevices = member(status, "passed_over");
    if (!netdevices.is_array() || netdevices.empty())
        return "";
    std::string lines = "NetVSC netdevices without a port: they have an address\n";
    for (const json &netdevice : netdevices)
        lines += "  " + padded(text_in(netdevice, "netdevice"), 11) + text_in(netdevice, "mac") +
                 "  " + text_in(netdevice, "address") + "\n";
    return lines + "\n";
}

std::string lcores_of(const json &status, const Palette &palette) {
    const json &keepalive = member(status, "keepalive");
    if (!keepalive.is_object())
        return "";
    const std::uint64_t period = number_in(keepalive, "period_ms");
    if (period == 0)
        return "Lcores not watched (argument keepalive=)\n\n";
    std::string lines = palette(Colour::heading, "Lcores") + ", watched every " +
                        std::to_string(period) + " ms, in " + text_in(keepalive, "shm") + "\n";
    const json &lcores = member(keepalive, "lcores");
    std::map<unsigned long, const json *> in_order;
    if (lcores.is_object()) {
        for (const auto &[number, lcore] : lcores.items())
            in_order[std::strtoul(number.c_str(), nullptr, 10)] = &lcore;
    }
    if (in_order.empty())
        lines += "  none polls a port yet\n";
    for (const auto &[number, lcore] : in_order) {
        const std::uint64_t deaths = number_in(*lcore, "deaths");
        const std::string state = text_in(*lcore, "state");
        lines += right(std::to_string(number), 5) + "  " +
                 palette(colour_of_lcore(state), padded(state, 8)) + "  last polled " +
                 length_of(number_in(*lcore, "last_seen_ms") * 1'000'000) + " ago" +
                 (deaths == 0 ? "" : ", died " + times(deaths)) + "\n";
    }
    return lines + "\n";
}

std::string events_of(const json &status, const Palette &palette) {
    const json &events = member(status, "events");
    if (!events.is_array() || events.empty())
        return "";
    const std::uint64_t now = number_in(status, "now_ns");
    std::string lines = palette(Colour::heading, "Last events") + "\n";
    for (const json &event : events) {
        const std::uint64_t time = number_in(event, "time_ns");
        const std::string type = text_in(event, "type");
        lines += right(std::to_string(number_in(event, "seq")), 5) + "  " +
                 right(length_of(now - std::min(time, now)) + " ago", 15) + "  " +
                 palette(colour_of_event(type), padded(type, 13)) + "  " + subject_of(event) + "\n";
    }
    return lines;
}

} // namespace netvsc::status
