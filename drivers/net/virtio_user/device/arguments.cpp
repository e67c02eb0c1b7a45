// SPDX-License-Identifier: BSD-3-Clause
#include "device/arguments.hpp"

#include "base/parse_number.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <linux/if.h>
#include <sys/un.h>

namespace netvsc::virtio {
namespace {

/// Reads a value. @return what was expected, if the value is not that; nullptr if it is
using Reader = const char *(*)(Arguments &arguments, std::string_view value);

const char *read_switch(bool &setting, std::string_view value) {
    if (value != "0" && value != "1")
        return "0 or 1";
    setting = value == "1";
    return nullptr;
}

const char *read_path(Arguments &arguments, std::string_view value) {
    if (value.empty() || value.size() >= sizeof sockaddr_un{}.sun_path)
        return "a socket, /dev/vhost-net or /dev/vhost-vdpa-<n>, at most 107 bytes";
    arguments.path = value;
    return nullptr;
}

const char *read_mac(Arguments &arguments, std::string_view value) {
    arguments.mac = MacAddress::parse(value);
    if (!arguments.mac || (arguments.mac->bytes[0] & 1) != 0 || arguments.mac->is_zero())
        return "a unicast address such as 02:00:00:00:00:01";
    return nullptr;
}

const char *read_queues(Arguments &arguments, std::string_view value) {
    const auto queues = parse_number<std::uint16_t>(value);
    if (!queues || *queues < 1 || *queues > Arguments::max_queues)
        return "a number of queue pairs from 1 to 128";
    arguments.queues = *queues;
    return nullptr;
}

const char *read_queue_size(Arguments &arguments, std::string_view value) {
    const auto size = parse_number<std::uint16_t>(value);
    if (!size || *size < 1 || *size > 32768)
        return "a number of descriptors from 1 to 32768";
    arguments.queue_size = *size;
    return nullptr;
}

const char *read_iface(Arguments &arguments, std::string_view value) {
    if (value.empty() || value.size() >= IFNAMSIZ || value == "." || value == ".." ||
        value.find_first_of("/: \t") != std::string_view::npos)
        return "a name for a netdevice, at most 15 bytes";
    arguments.iface = value;
    return nullptr;
}

const char *read_speed(Arguments &arguments, std::string_view value) {
    const bool hexadecimal = value.starts_with("0x");
    const auto speed = hexadecimal ? parse_number<std::uint32_t>(value.substr(2), 16)
                                   : parse_number<std::uint32_t>(value);
    if (!speed)
        return "Mbit/s, decimal or with 0x hexadecimal";
    arguments.speed = *speed;
    return nullptr;
}

struct Key {
    std::string_view name;
    Reader read;
};

constexpr std::array keys{
    Key{"path", read_path},
    Key{"mac", read_mac},
    Key{"queues", read_queues},
    Key{"cq", [](Arguments &to, std::string_view value) { return read_switch(to.cq, value); }},
    Key{"queue_size", read_queue_size},
    Key{"iface", read_iface},
    Key{"server",
        [](Arguments &to, std::string_view value) { return read_switch(to.server, value); }},
    Key{"mrg_rxbuf",
        [](Arguments &to, std::string_view value) { return read_switch(to.mrg_rxbuf, value); }},
    Key{"in_order",
        [](Arguments &to, std::string_view value) { return read_switch(to.in_order, value); }},
    Key{"packed_vq",
        [](Arguments &to, std::string_view value) { return read_switch(to.packed_vq, value); }},
    Key{"speed", read_speed},
};

std::unexpected<std::string> refused(std::string_view argument, std::string_view why) {
    return std::unexpected("argument '" + std::string(argument) + "': " + std::string(why));
}

// What one argument means for another.
std::expected<Arguments, std::string> checked(Arguments arguments) {
    if (arguments.path.empty())
        return refused("path", "is missing; expected the back end's socket or character device");
    if (arguments.queues > 1 && !arguments.cq)
        return refused("queues=" + std::to_string(arguments.queues),
                       "more than one pair needs the control queue; expected cq=1 too");
    if (!arguments.packed_vq && !std::has_single_bit(arguments.queue_size))
        return refused("queue_size=" + std::to_string(arguments.queue_size),
                       "expected a power of two, which split rings need");
    return arguments;
}

} // namespace

std::expected<Arguments, std::string> Arguments::parse(std::string_view text) {
    Arguments arguments;
    std::array<bool, keys.size()> seen{};
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find(','));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        if (pair.empty())
            continue;
        const std::size_t equals = pair.find('=');
        const auto key = std::ranges::find(keys, pair.substr(0, equals), &Key::name);
        if (key == keys.end())
            return refused(pair, "is unknown; expected path, mac, queues, cq, queue_size, iface, "
                                 "server, mrg_rxbuf, in_order, packed_vq or speed");
        if (equals == std::string_view::npos)
            return refused(pair, "has no value");
        bool &again = seen[static_cast<std::size_t>(key - keys.begin())];
        if (again)
            return refused(pair, "is given twice");
        again = true;
        if (const char *expected = key->read(arguments, pair.substr(equals + 1)))
            return refused(pair, std::string("expected ") + expected);
    }
    return checked(std::move(arguments));
}

} // namespace netvsc::virtio
