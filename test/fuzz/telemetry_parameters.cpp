// SPDX-License-Identifier: BSD-3-Clause
// Parameters of the telemetry commands, and events from any sequence number on.
//
// The input: the parameter, a newline, then names of netdevices that the events carry, one in each
// line.
#include "core/event_page.hpp"
#include "core/link.hpp"
#include "core/telemetry_parameter.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using namespace netvsc;

namespace {

// The slow way.
template <typename T> std::optional<T> number_of(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    T value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        const auto digit = static_cast<T>(c - '0');
        if (value > (std::numeric_limits<T>::max() - digit) / 10)
            return std::nullopt;
        value = static_cast<T>(value * 10 + digit);
    }
    return value;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char *>(data), size);
    const auto next = [&] {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        return std::string(line);
    };
    const std::string parameter = next();
    const std::string_view seen(parameter.c_str()); // as a C program hands it over
    require(parse_parameter<std::uint16_t>(parameter.c_str()) == number_of<std::uint16_t>(seen));
    const auto since = parse_parameter<std::uint64_t>(parameter.c_str());
    require(since == number_of<std::uint64_t>(seen));
    planted_bug(since && *since >= 1000 && *since <= 1'000'000 && *since % 2 == 1);
    if (!since)
        return 0;
    EventBus bus([] {}, 8);
    while (!rest.empty())
        bus.publish({.type = EventType::link_up,
                     .port_id = 0,
                     .port = "net_failsafe_vsc0",
                     .netdevice = next(),
                     .vf = {},
                     .lcore = -1},
                    {});
    const auto history = bus.since(*since);
    require(history.events.size() <= 8 && history.first <= history.next);
    for (const std::size_t budget : {std::size_t{0}, std::size_t{300}, std::size_t{15360}}) {
        const auto page = page_of(history, budget);
        std::size_t used = 0;
        for (const auto &event : page.events) {
            used += json_size(event);
            require(event.sequence >= history.first && event.sequence < page.next);
            require(event.sequence >= *since);
        }
        require(used <= budget);
        require(page.next <= history.next);
    }
    return 0;
}
