// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/status.hpp"

#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace netvsc::status {
namespace {

using nlohmann::json;

Result<json> ask(DriverApplication &application, const std::string &command) {
    return application.client.query(command, std::chrono::steady_clock::now() + patience);
}

std::uint64_t number_of(const json &event) {
    return json_field<std::uint64_t>(event, "seq").value_or(0);
}

// The frames that a port's statistics count as lost (rte_eth_stats): those that the PMD had no
// descriptor or no mbuf for, and those with errors.
std::optional<std::uint64_t> lost_frames(DriverApplication &application, unsigned port) {
    const auto counters = ask(application, "/ethdev/stats," + std::to_string(port));
    if (!counters || !counters->is_object())
        return std::nullopt;
    std::uint64_t sum = 0;
    for (const char *counter : {"imissed", "ierrors", "oerrors", "rx_nombuf"})
        sum += json_field<std::uint64_t>(*counters, counter).value_or(0);
    return sum;
}

// Reads the last events. Requests the number of the newest one first.
Result<json> last_events(DriverApplication &application, std::size_t count, std::uint64_t &now_ns) {
    const std::string command = "/vdev_netvsc/events,";
    const auto end =
        ask(application, command + std::to_string(std::numeric_limits<std::uint64_t>::max()));
    if (!end)
        return end;
    now_ns = json_field<std::uint64_t>(*end, "now_ns").value_or(0);
    const auto next = json_field<std::uint64_t>(*end, "next").value_or(1);
    const auto from = next > count ? next - count : 1;
    if (count == 0)
        return json::array();
    const auto page = ask(application, command + std::to_string(from));
    if (!page)
        return page;
    now_ns = json_field<std::uint64_t>(*page, "now_ns").value_or(now_ns);
    std::vector<json> events;
    if (const auto found = page->find("events"); page->is_object() && found != page->end()) {
        for (const json &event : *found)
            events.push_back(event);
    }
    // Events that arrive in the meantime belong to the next read.
    std::ranges::sort(events, {}, number_of);
    return json(std::move(events));
}

} // namespace

Result<json> read_status(DriverApplication &application, std::size_t events, bool losses) {
    json ports = json::array();
    const auto list = ask(application, "/vdev_netvsc/list");
    if (!list)
        return list;
    for (const json &entry : *list) {
        const auto id = json_as<unsigned>(entry);
        if (!id)
            continue;
        auto port = ask(application, "/vdev_netvsc/info," + std::to_string(*id));
        if (!port)
            return port;
        if (!port->is_object()) // closed in the meantime
            continue;
        auto stats = ask(application, "/vdev_netvsc/stats," + std::to_string(*id));
        if (!stats)
            return stats;
        (*port)["stats"] = std::move(*stats);
        if (const auto lost = losses ? lost_frames(application, *id) : std::nullopt)
            (*port)["lost"] = *lost;
        ports.push_back(std::move(*port));
    }
    const auto others = ask(application, "/vdev_netvsc/passed_over");
    if (!others)
        return others;
    json passed_over = json::array();
    if (others->is_object()) {
        for (const json &netdevice : *others)
            passed_over.push_back(netdevice);
    }
    auto keepalive = ask(application, "/vdev_netvsc/keepalive");
    if (!keepalive)
        return keepalive;
    std::uint64_t now_ns = 0;
    auto last = last_events(application, events, now_ns);
    if (!last)
        return last;
    const auto &greeting = application.client.greeting();
    return json{{"file_prefix", application.prefix},
                {"version", greeting.version},
                {"pid", greeting.pid},
                {"now_ns", now_ns},
                {"ports", std::move(ports)},
                {"passed_over", std::move(passed_over)},
                {"keepalive", std::move(*keepalive)},
                {"events", std::move(*last)}};
}

} // namespace netvsc::status
