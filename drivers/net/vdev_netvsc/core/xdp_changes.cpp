// SPDX-License-Identifier: BSD-3-Clause
#include "core/xdp_changes.hpp"

#include "base/parse_number.hpp"

#include <ranges>

namespace netvsc {

std::string XdpChanges::to_string() const {
    std::string text;
    if (channels_before)
        text += "channels " + std::to_string(*channels_before) + '\n';
    for (const std::uint32_t program : programs)
        text += "program " + std::to_string(program) + '\n';
    return text;
}

XdpChanges XdpChanges::parse(std::string_view text) {
    XdpChanges changes;
    for (const auto part : std::views::split(text, '\n')) {
        const std::string_view line(part.begin(), part.end());
        const std::size_t space = line.find(' ');
        const auto value =
            space == line.npos ? std::nullopt : parse_number<std::uint32_t>(line.substr(space + 1));
        if (!value || *value == 0)
            continue;
        if (line.substr(0, space) == "channels")
            changes.channels_before = value;
        else if (line.substr(0, space) == "program")
            changes.programs.insert(*value);
    }
    return changes;
}

} // namespace netvsc
