// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/options.hpp"

#include "base/parse_number.hpp"
#include "telemetry/telemetry_client.hpp"

#include <string_view>

namespace netvsc::status {
namespace {

constexpr unsigned max_events = 50; // as many as fit into one answer of DPDK's telemetry
constexpr double min_interval = 0.1;
constexpr double max_interval = 3600;

std::unexpected<std::string> wrong(std::string_view name, std::string_view value,
                                   std::string_view expected) {
    return std::unexpected(std::string(name) + " " + std::string(value) + ": expected " +
                           std::string(expected));
}

} // namespace

const char *const Options::usage =
    "usage: netvsc-status [--file-prefix PREFIX] [--watch] [--json] ...\n"
    "       netvsc-status [--file-prefix PREFIX] --hold PORT | --release PORT\n"
    "Shows the ports of net_vdev_netvsc in a running DPDK application: their VFs, links, paths,\n"
    "lcores, and what happened last.\n"
    "  --file-prefix PREFIX     the application's EAL option; needed if several applications run\n"
    "  --watch                  show the state every second, until interrupted. On a terminal: in\n"
    "                           place, with a time line, in colour (NO_COLOR is respected)\n"
    "  --interval SECONDS       watch, with this period, 0.1 to 3600\n"
    "  --events N               number of the last events to show, 0 to 50 (10)\n"
    "  --hold PORT              detach the VF of this port (ethdev's number) until --release\n"
    "  --release PORT           attach it again\n"
    "  --json                   print a JSON object; with --watch one in each line\n"
    "  --runtime-folder FOLDER  the parent of DPDK applications' runtime folders\n"
    "Exit status: 0; 1 the application does not exist or does not answer; 2 wrong arguments\n";

std::expected<Options, std::string> Options::parse(std::span<const char *const> arguments) {
    Options options;
    options.runtime_folder = dpdk_runtime_folder();
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        const std::string_view name = *at;
        if (name == "--watch" || name == "-w") {
            options.watch = true;
        } else if (name == "--json") {
            options.json = true;
        } else if (name == "--help" || name == "-h") {
            options.help = true;
        } else if (name == "--file-prefix" || name == "-f" || name == "--interval" ||
                   name == "--events" || name == "--runtime-folder" || name == "--hold" ||
                   name == "--release") {
            if (++at == arguments.end())
                return std::unexpected(std::string(name) + " wants a value");
            const std::string_view value = *at;
            if (name == "--file-prefix" || name == "-f") {
                options.file_prefix = value;
            } else if (name == "--runtime-folder") {
                options.runtime_folder = value;
            } else if (name == "--hold" || name == "--release") {
                const auto port = parse_number<std::uint16_t>(value);
                if (!port)
                    return wrong(name, value, "the number of a port");
                options.request = {.port = *port, .held = name == "--hold"};
            } else if (name == "--events") {
                const auto number = parse_number<unsigned>(value);
                if (!number || *number > max_events)
                    return wrong(name, value, "a number from 0 to 50");
                options.events = *number;
            } else {
                const auto seconds = parse_number<double>(value);
                // NaN is outside the range, too.
                const bool valid = seconds && *seconds >= min_interval && *seconds <= max_interval;
                if (!valid)
                    return wrong(name, value, "a number of seconds from 0.1 to 3600");
                options.interval =
                    std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
                options.watch = true;
            }
        } else {
            return std::unexpected("unknown argument '" + std::string(name) + "'");
        }
    }
    return options;
}

} // namespace netvsc::status
