// SPDX-License-Identifier: BSD-3-Clause
#include "core/fallback.hpp"

#include "base/parse_number.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {
namespace {

std::string join(const std::vector<std::string> &parts, std::string_view between) {
    std::string text;
    for (const std::string &part : parts)
        text.append(text.empty() ? std::string_view{} : between).append(part);
    return text;
}

std::string prefix_of(Fallback kind) { return "net_" + std::string(name_of(kind)) + "_vsc"; }

} // namespace

std::string_view name_of(Fallback fallback) {
    switch (fallback) {
    case Fallback::tap:
        return "tap";
    case Fallback::af_packet:
        return "af_packet";
    case Fallback::af_xdp:
        return "af_xdp";
    case Fallback::virtio_user:
        return "virtio_user";
    }
    return "unknown";
}

std::optional<WantedFallback> parse_fallback(std::string_view value) {
    if (value == "auto")
        return WantedFallback{};
    for (const Fallback kind : fallbacks_by_preference) {
        if (value == name_of(kind))
            return kind;
    }
    return std::nullopt;
}

std::string fallback_device_name(Fallback kind, std::uint32_t number) {
    return prefix_of(kind) + std::to_string(number);
}

std::optional<std::uint32_t> fallback_device_number(std::string_view device_name) {
    for (const Fallback kind : fallbacks_by_preference) {
        const std::string prefix = prefix_of(kind);
        if (!device_name.starts_with(prefix))
            continue;
        if (const auto number = parse_number<std::uint32_t>(device_name.substr(prefix.size())))
            return number;
    }
    return std::nullopt;
}

std::string virtio_user_tap(int ifindex) { return "vsc" + std::to_string(ifindex); }

FallbackDevice fallback_device(Fallback kind, std::uint32_t number,
                               const FallbackNetdevice &netdevice) {
    FallbackDevice device{.name = fallback_device_name(kind, number), .arguments = {}};
    switch (kind) {
    case Fallback::tap:
        device.arguments = "remote=" + netdevice.name;
        break;
    case Fallback::af_packet:
    case Fallback::af_xdp:
        device.arguments = "iface=" + netdevice.name;
        break;
    case Fallback::virtio_user:
        // The maximum of DPDK's PMD (22.11). Queues that are not configured receive no frames. This
        // project's PMD needs the control queue to be named.
        device.arguments = "path=/dev/vhost-net,queues=8,cq=1,queue_size=1024,iface=" +
                           virtio_user_tap(netdevice.ifindex);
        if (netdevice.mac)
            device.arguments += ",mac=" + netdevice.mac->to_string();
        break;
    }
    return device;
}

FallbackChoice choose_fallback(WantedFallback wanted,
                               const std::function<MissingParts(Fallback)> &missing) {
    std::vector<std::string> problems;
    if (wanted) {
        const MissingParts parts = missing(*wanted);
        if (parts.empty())
            return {.kind = wanted, .reason = {}, .problem = {}};
        problems.push_back("fallback=" + std::string(name_of(*wanted)) +
                           " does not work here: " + join(parts, ", ") + " missing");
    }
    std::optional<Fallback> works;
    for (const Fallback kind : fallbacks_by_preference) {
        if (kind == wanted)
            continue;
        const MissingParts parts = missing(kind);
        if (parts.empty()) {
            works = kind;
            break;
        }
        if (!wanted)
            problems.push_back(std::string(name_of(kind)) + " lacks " + join(parts, ", "));
    }
    if (!wanted) {
        if (works)
            return {.kind = works,
                    .reason = problems.empty() ? "first in auto's order, and it works here"
                                               : join(problems, "; "),
                    .problem = {}};
        return {
            .kind = {}, .reason = {}, .problem = "no fallback works here: " + join(problems, "; ")};
    }
    problems.push_back(works ? "fallback=" + std::string(name_of(*works)) + " would"
                             : "no other would");
    return {.kind = {}, .reason = {}, .problem = join(problems, "; ")};
}

} // namespace netvsc
