// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/watch_screen.hpp"

#include "netvsc-status/screen.hpp"
#include "netvsc-status/sections.hpp"
#include "netvsc-status/text.hpp"

namespace netvsc::status {
namespace {

using nlohmann::json;

constexpr std::size_t port_width = 6;
constexpr std::size_t netdevice_width = 11;
constexpr std::size_t path_width = 13;
constexpr std::size_t link_width = 6;

Colour colour_of_path(const std::string &path) {
    if (path == "vf")
        return Colour::good;
    return path == "fallback" ? Colour::busy : Colour::bad;
}

std::string vf_of(const json &port, const Palette &palette) {
    const std::uint64_t now = number_in(port, "now_ns");
    const std::string vf = text_in(port, "vf");
    const std::string state = vf.empty() ? "none" : vf + " " + text_in(port, "vf_state");
    if (const std::uint64_t unused = number_in(port, "vf_unused_since_ns"); unused != 0)
        return state + palette(Colour::bad, ", unused" + since(unused, now) +
                                                because(text_in(port, "vf_unused_reason")));
    return state + since(number_in(port, "last_vf_change_ns"), now);
}

std::string line_of(const json &port, const Palette &palette) {
    const std::string path = text_in(port, "path");
    const std::string link = text_in(port, "link");
    const std::string carrier = path == "fallback" ? text_in(port, "fallback") : path;
    return padded(std::to_string(number_in(port, "port_id")), port_width) +
           padded(text_in(port, "netdevice"), netdevice_width) +
           palette(colour_of_path(path), padded(carrier == "vf" ? "VF" : carrier, path_width)) +
           palette(link == "up" ? Colour::good : Colour::bad, padded(link, link_width)) +
           vf_of(port, palette) + "\n";
}

} // namespace

std::string watch_screen_of(const json &status, const TimeLine &time_line,
                            std::chrono::milliseconds interval, std::size_t columns,
                            const Palette &palette) {
    std::string screen = title_of(status, palette);
    const json &ports = member(status, "ports");
    if (!ports.is_array() || ports.empty()) {
        screen += no_ports;
    } else {
        screen += palette(Colour::heading,
                          padded("Port", port_width) + padded("NetVSC", netdevice_width) +
                              padded("Path", path_width) + padded("Link", link_width) + "VF") +
                  "\n";
        for (const json &port : ports)
            screen += line_of(port, palette);
        screen += "\n" + palette(Colour::heading, "Time line") + ", every " +
                  length_of(static_cast<std::uint64_t>(interval.count()) * 1'000'000) +
                  ": = VF, - fallback, x none; V F: the VF has changed\n" +
                  time_line.lines(columns, palette) + "\n";
    }
    return screen + passed_over_of(status) + lcores_of(status, palette) +
           events_of(status, palette);
}

} // namespace netvsc::status
