// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/options.hpp"

#include "base/parse_number.hpp"
#include "telemetry/telemetry_client.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace netvsc::scheduled {

const char *const Options::usage =
    "usage: netvsc-scheduled-events [--before SECONDS] [--name NAME] ...\n"
    "Reads Azure's Scheduled Events. Holds the VFs of net_vdev_netvsc's ports before a Freeze or\n"
    "Redeploy of this virtual machine, and releases them when it is over. Never approves an "
    "event.\n"
    "  --before SECONDS         hold this long before the earliest start, 0 to 900 (30)\n"
    "  --longest SECONDS        release after this time whatever Azure says, 1 to 86400 (1800)\n"
    "  --name NAME              of this virtual machine, as Azure lists it; by default the one in\n"
    "                           Azure's metadata\n"
    "  --interval SECONDS       how often to ask Azure, 0.1 to 60 (1)\n"
    "  --timeout SECONDS        limit for an answer, 0.1 to 120 (5)\n"
    "  --url URL                of the metadata service (http://169.254.169.254)\n"
    "  --file-prefix PREFIX     only applications with this EAL option\n"
    "  --runtime-folder FOLDER  the parent of DPDK applications' runtime folders\n"
    "  --once                   print the present events and end; holds nothing\n"
    "Exit status: 0; 1 (--once) Azure does not answer; 2 wrong arguments\n";

namespace {

struct Number {
    std::string_view name;
    double least; // seconds
    double most;
    std::chrono::milliseconds *value;
};

struct Text {
    std::string_view name;
    std::string *value;
};

std::string text_of(double number) {
    char text[32];
    return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%g", number))};
}

} // namespace

std::expected<Options, std::string> Options::parse(std::span<const char *const> arguments) {
    Options options;
    options.url = "http://169.254.169.254";
    options.runtime_folder = dpdk_runtime_folder();
    const std::array numbers{Number{"--before", 0, 900, &options.policy.before},
                             Number{"--longest", 1, 86'400, &options.policy.longest},
                             Number{"--interval", 0.1, 60, &options.interval},
                             Number{"--timeout", 0.1, 120, &options.timeout}};
    const std::array texts{Text{"--name", &options.policy.machine}, Text{"--url", &options.url},
                           Text{"--file-prefix", &options.file_prefix},
                           Text{"--runtime-folder", &options.runtime_folder}};
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        const std::string_view name = *at;
        if (name == "--once") {
            options.once = true;
            continue;
        }
        if (name == "--help" || name == "-h") {
            options.help = true;
            continue;
        }
        const auto *number = std::ranges::find(numbers, name, &Number::name);
        const auto *text = std::ranges::find(texts, name, &Text::name);
        if (number == numbers.end() && text == texts.end())
            return std::unexpected("unknown argument '" + std::string(name) + "'");
        if (++at == arguments.end())
            return std::unexpected(std::string(name) + " wants a value");
        if (text != texts.end()) {
            *text->value = *at;
            continue;
        }
        const auto seconds = parse_number<double>(*at);
        // NaN is outside the range, too.
        const bool valid = seconds && *seconds >= number->least && *seconds <= number->most;
        if (!valid)
            return std::unexpected(std::string(name) + " " + *at +
                                   ": expected a number of seconds from " + text_of(number->least) +
                                   " to " + text_of(number->most));
        *number->value = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
    }
    return options;
}

} // namespace netvsc::scheduled
