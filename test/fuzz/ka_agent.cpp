// SPDX-License-Identifier: BSD-3-Clause
// What ka-agent says of a keepalive area of any content and size.
//
// The input: two bytes of size (its low bits those of areas near RTE_MAX_LCORE's if the highest
// bit is set), then the content, as far as there is any.
#include "hostile_area.hpp"
#include "ka-agent/report.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < 2)
        return 0;
    static const HostileArea area;
    area.fill(HostileArea::length_of(data[0], data[1]), data + 2, size - 2);
    const auto reader = KeepaliveReader::open({.name = area.name(), .owner = {}});
    const auto snapshot = reader ? reader->read() : std::unexpected(reader.error());
    if (!snapshot)
        return 0;
    require(snapshot->states.size() == snapshot->last_seen.size());
    const auto dead = dead_lcores(*snapshot);
    require(
        std::ranges::all_of(dead, [&](unsigned lcore) { return lcore < snapshot->states.size(); }));
    require(as_text(*snapshot).starts_with(std::to_string(dead.size()) + " dead core"));
    const auto json = nlohmann::json::parse(as_json(*snapshot));
    require(json["dead"].size() == dead.size());
    planted_bug(dead.size() == 1 && dead.front() > 2);
    return 0;
}
