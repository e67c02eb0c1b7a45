// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/time_line.hpp"

#include "netvsc-status/text.hpp"
#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace netvsc::status {
namespace {

using nlohmann::json;

constexpr std::size_t indent = 2;
constexpr std::size_t name_width = 11;

std::string cell_of(const std::string &path, bool vf_changed, const Palette &palette) {
    if (path == "vf")
        return palette(Colour::good, vf_changed ? "V" : "=");
    if (path == "fallback")
        return palette(Colour::busy, vf_changed ? "F" : "-");
    return palette(Colour::bad, "x");
}

std::string cell_of(const std::optional<std::uint64_t> &lost, const Palette &palette) {
    if (!lost)
        return "?";
    if (*lost == 0)
        return ".";
    return palette(Colour::bad, *lost > 9 ? "+" : std::to_string(*lost));
}

} // namespace

void TimeLine::add(const json &status) {
    std::map<std::string, Port> ports;
    for (const json &told : member(status, "ports")) {
        const std::string name = text_in(told, "name");
        Port port = ports_.contains(name) ? std::move(ports_.at(name)) : Port{};
        port.netdevice = text_in(told, "netdevice");
        const auto change = number_in(told, "last_vf_change_ns");
        const auto lost = json_field<std::uint64_t>(told, "lost");
        Column column{.path = text_in(told, "path"), .vf_changed = false, .lost = {}};
        column.vf_changed = port.vf_change.value_or(change) != change;
        // The counters of a port start again when the application resets them.
        if (lost)
            column.lost = *lost - std::min(port.lost.value_or(*lost), *lost);
        port.vf_change = change;
        port.lost = lost;
        port.columns.push_back(std::move(column));
        if (port.columns.size() > kept)
            port.columns.pop_front();
        ports.emplace(name, std::move(port));
    }
    ports_ = std::move(ports);
}

std::string TimeLine::lines(std::size_t columns, const Palette &palette) const {
    const std::size_t width = std::max<std::size_t>(columns, 40) - indent - name_width;
    std::string lines;
    for (const auto &[name, port] : ports_) {
        std::string paths;
        std::string losses;
        const std::size_t from = port.columns.size() - std::min(width, port.columns.size());
        for (std::size_t i = from; i < port.columns.size(); ++i) {
            const Column &column = port.columns[i];
            paths += cell_of(column.path, column.vf_changed, palette);
            losses += cell_of(column.lost, palette);
        }
        lines += std::string(indent, ' ') + padded(port.netdevice, name_width) + paths + "\n";
        lines += std::string(indent, ' ') + padded("lost", name_width) + losses + "\n";
    }
    return lines;
}

} // namespace netvsc::status
