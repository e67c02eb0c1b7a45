// SPDX-License-Identifier: BSD-3-Clause
#include "core/arguments.hpp"

#include "base/parse_number.hpp"
#include "core/link.hpp"

#include <algorithm>
#include <net/if.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Outcome = std::expected<void, std::string>;

// Keeps the line in the pipe far below the limits of fail-safe and of atomic pipe writes.
constexpr std::size_t max_vf_args = 1024;

// The longest string that telemetry passes on unchanged.
constexpr std::size_t max_shm_name = 127;

std::unexpected<std::string> expected(const KeyValue &argument, std::string_view what) {
    std::string message = "argument '" + printable(argument.key);
    if (!argument.value.empty())
        message += "=" + printable(argument.value);
    return std::unexpected(message.append("': expected ").append(what));
}

template <typename T> void add_once(std::vector<T> &list, T value) {
    if (std::ranges::find(list, value) == list.end())
        list.push_back(std::move(value));
}

Outcome parse_interface(const KeyValue &argument, Arguments &arguments) {
    const std::string &name = argument.value;
    if (name.empty() || name.size() >= IFNAMSIZ)
        return expected(argument, "a netdevice's name, of 1 to 15 characters");
    if (!safe_in_devargs(name))
        return expected(argument, "a netdevice's name of letters, digits and _ - . @ + ~ only "
                                  "(others would change the meaning of device arguments: rename "
                                  "the netdevice, or use mac=)");
    add_once(arguments.interfaces, name);
    return {};
}

Outcome parse_mac(const KeyValue &argument, Arguments &arguments) {
    const auto mac = MacAddress::parse(argument.value);
    if (!mac || mac->is_zero() || (mac->bytes[0] & 1) != 0)
        return expected(argument, "a unicast MAC address such as 00:15:5d:01:02:03");
    add_once(arguments.macs, *mac);
    return {};
}

Outcome parse_switch(const KeyValue &argument, bool &target) {
    if (argument.value != "0" && argument.value != "1")
        return expected(argument, "0 or 1");
    target = argument.value == "1";
    return {};
}

// A number of milliseconds within these bounds.
Outcome parse_milliseconds(const KeyValue &argument, std::chrono::milliseconds least,
                           std::chrono::milliseconds most, std::chrono::milliseconds &target) {
    const auto value = parse_number<std::uint32_t>(argument.value);
    if (!value || *value < least.count() || *value > most.count())
        return expected(argument, "a number of milliseconds from " + std::to_string(least.count()) +
                                      " to " + std::to_string(most.count()));
    target = std::chrono::milliseconds(*value);
    return {};
}

Outcome parse_keepalive_shm(const KeyValue &argument, Arguments &arguments) {
    if (argument.value.size() > max_shm_name || !shm_path(argument.value) ||
        !safe_in_devargs(argument.value.substr(1)))
        return expected(argument, "a shared-memory area's name such as /dpdk_keepalive_shm_name, "
                                  "of letters, digits and _ - . @ + ~");
    arguments.keepalive_shm = argument.value;
    return {};
}

Outcome parse_keepalive_group(const KeyValue &argument, Arguments &arguments) {
    if (argument.value.empty() || !safe_in_devargs(argument.value))
        return expected(argument, "a group's name or number");
    arguments.keepalive_group = argument.value;
    return {};
}

Outcome parse_vf_bind(const KeyValue &argument, Arguments &arguments) {
    const bool valid = !argument.value.empty() && std::ranges::all_of(argument.value, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    if (!valid)
        return expected(argument, "a kernel driver's name, such as vfio-pci");
    arguments.vf_bind = argument.value;
    return {};
}

// Several arguments have the form of a kvargs list: vf_args=[a=1,b=2].
Outcome parse_vf_args(const KeyValue &argument, Arguments &arguments) {
    std::string_view list = argument.value;
    const bool bracketed = list.starts_with('[');
    if (bracketed && list.ends_with(']')) {
        list.remove_prefix(1);
        list.remove_suffix(1);
    }
    // Refuses what fail-safe's or EAL's parsers would split.
    if (list.empty() || list.find_first_of("[]() \t\n\r") != std::string_view::npos ||
        list.starts_with(',') || list.ends_with(',') || list.size() > max_vf_args)
        return expected(argument, "device arguments such as a=1 or [a=1,b=2]");
    arguments.vf_args = list;
    return {};
}

Outcome parse_fallback_argument(const KeyValue &argument, Arguments &arguments) {
    const auto fallback = parse_fallback(argument.value);
    if (!fallback)
        return expected(argument, "tap, af_packet, af_xdp, virtio_user or auto");
    arguments.fallback = *fallback;
    return {};
}

Outcome parse_path(const KeyValue &argument, Arguments &arguments) {
    if (argument.value != "failsafe" && argument.value != "netvsc")
        return expected(argument, "failsafe or netvsc");
    arguments.path = argument.value == "netvsc" ? NicPath::netvsc : NicPath::failsafe;
    return {};
}

// net_netvsc provides the whole port, so nothing else shapes it.
Outcome check_path(std::span<const KeyValue> pairs, const Arguments &arguments) {
    if (arguments.path != NicPath::netvsc)
        return {};
    for (const KeyValue &argument : pairs) {
        if (argument.key != "path" && argument.key != "iface" && argument.key != "mac" &&
            argument.key != "ignore")
            return expected(argument, "no such argument with path=netvsc");
    }
    if (arguments.interfaces.size() + arguments.macs.size() != 1)
        return std::unexpected("path=netvsc: expected exactly one iface= or mac=");
    return {};
}

Outcome parse_one(const KeyValue &argument, Arguments &arguments) {
    const std::string &key = argument.key;
    if (key == "iface")
        return parse_interface(argument, arguments);
    if (key == "mac")
        return parse_mac(argument, arguments);
    if (key == "force")
        return parse_switch(argument, arguments.force);
    if (key == "ignore")
        return parse_switch(argument, arguments.ignore);
    if (key == "hotplug_poll")
        return parse_milliseconds(argument, 1ms, Arguments::max_hotplug_poll,
                                  arguments.hotplug_poll);
    if (key == "fallback")
        return parse_fallback_argument(argument, arguments);
    if (key == "path")
        return parse_path(argument, arguments);
    if (key == "vf_bind")
        return parse_vf_bind(argument, arguments);
    if (key == "vf_args")
        return parse_vf_args(argument, arguments);
    if (key == "keepalive")
        return parse_milliseconds(argument, 0ms, Arguments::max_keepalive, arguments.keepalive);
    if (key == "keepalive_shm")
        return parse_keepalive_shm(argument, arguments);
    if (key == "keepalive_group")
        return parse_keepalive_group(argument, arguments);
    return std::unexpected("unknown argument '" + printable(key) +
                           "': expected iface, mac, force, ignore, path, fallback, vf_bind, "
                           "vf_args, hotplug_poll, keepalive, keepalive_shm or keepalive_group");
}

} // namespace

std::expected<Arguments, std::string> Arguments::parse(std::span<const KeyValue> pairs) {
    Arguments arguments;
    for (const KeyValue &argument : pairs) {
        if (auto outcome = parse_one(argument, arguments); !outcome)
            return std::unexpected(std::move(outcome.error()));
    }
    if (auto outcome = check_path(pairs, arguments); !outcome)
        return std::unexpected(std::move(outcome.error()));
    return arguments;
}

} // namespace netvsc
