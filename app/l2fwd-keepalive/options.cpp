// SPDX-License-Identifier: BSD-3-Clause
#include "l2fwd-keepalive/options.hpp"

#include "base/parse_number.hpp"

#include <optional>
#include <string_view>

namespace netvsc {
namespace {

std::optional<std::uint64_t> parse_value(std::string_view text, int base = 10) {
    if (base == 16 && (text.starts_with("0x") || text.starts_with("0X")))
        text.remove_prefix(2);
    return parse_number<std::uint64_t>(text, base);
}

std::expected<void, std::string> parse_one(std::string_view name, const std::string &value,
                                           Options &options) {
    const auto refuse = [&](const char *expected) {
        return std::unexpected(std::string(name) + ' ' + value + ": expected " + expected);
    };
    const auto number = parse_value(value, name == "-p" ? 16 : 10);
    if (name == "-p") {
        if (!number || *number == 0)
            return refuse("a hexadecimal mask of ports, such as 3");
        options.port_mask = *number;
    } else if (name == "-q") {
        if (!number || *number == 0 || *number > 64)
            return refuse("a number of queues from 1 to 64");
        options.queues_per_lcore = static_cast<unsigned>(*number);
    } else if (name == "-T") {
        if (!number || *number > 86'400)
            return refuse("a number of seconds from 0 to 86400");
        options.statistics = std::chrono::seconds(*number);
    } else if (name == "-K") {
        if (!number || *number > 60'000)
            return refuse("a number of milliseconds from 0 to 60000");
        options.check = std::chrono::milliseconds(*number);
    } else if (name == "--lifetime") {
        if (!number || *number > 86'400)
            return refuse("a number of seconds from 0 to 86400");
        options.lifetime = std::chrono::seconds(*number);
    } else {
        if (!shm_path(value))
            return refuse("a name such as /dpdk_keepalive_shm_name");
        options.shm = value;
    }
    return {};
}

} // namespace

const char *const Options::usage =
    "usage: l2fwd-keepalive [EAL's options] -- -p MASK [-q QUEUES] [-T SECONDS] [-K MS]\n"
    "                       [--shm NAME] [--lifetime SECONDS]\n"
    "Forwards frames between pairs of ports, and restarts lcores that die.\n"
    "  -p MASK             the ports, as a hexadecimal mask\n"
    "  -q QUEUES           Rx queues of each lcore (1); a port has one\n"
    "  -T SECONDS          period of the statistics; 0: only at the end (10)\n"
    "  -K MS               period of the lcore checks; 0: never (100)\n"
    "  --shm NAME          shared memory for the states of the lcores\n"
    "                      (/dpdk_keepalive_shm_name)\n"
    "  --lifetime SECONDS  for demonstration: lcores end by themselves within this time; 0: never "
    "(0)\n"
    "The main lcore checks and prints; the others forward.\n";

std::expected<Options, std::string> Options::parse(std::span<const char *const> arguments) {
    Options options;
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        const std::string_view name = *at;
        if (name == "--help" || name == "-h") {
            options.help = true;
            return options;
        }
        if (name != "-p" && name != "-q" && name != "-T" && name != "-K" && name != "--shm" &&
            name != "--lifetime")
            return std::unexpected("unknown argument '" + std::string(name) + "'");
        if (++at == arguments.end())
            return std::unexpected(std::string(name) + " wants a value");
        if (auto parsed = parse_one(name, *at, options); !parsed)
            return std::unexpected(std::move(parsed.error()));
    }
    if (options.port_mask == 0)
        return std::unexpected("-p is missing: which ports?");
    return options;
}

} // namespace netvsc
