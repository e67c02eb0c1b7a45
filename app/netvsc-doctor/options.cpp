// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/options.hpp"

#include <string_view>

namespace netvsc::doctor {

const char *const Options::usage =
    "usage: netvsc-doctor [--iface NETDEVICE] ... [--plugin FILE] [--json] [--root FOLDER]\n"
    "Checks what net_vdev_netvsc needs on this machine, before any DPDK application runs. Changes\n"
    "nothing. Prints what is right, what is wrong, the commands that fix it, and a command line\n"
    "that works here.\n"
    "  --iface NETDEVICE  use this NetVSC netdevice, even if the system uses it; can be repeated\n"
    "  --plugin FILE      the driver, if it is not installed in its usual place\n"
    "  --json             print a JSON object\n"
    "  --root FOLDER      read sysfs, proc, /dev and /lib/modules below this folder\n"
    "Exit status: 0; 1 the driver would not work; 2 wrong arguments\n";

std::expected<Options, std::string> Options::parse(std::span<const char *const> arguments) {
    Options options;
    options.plugin = NETVSC_DRIVER_FILE;
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        const std::string_view name = *at;
        if (name == "--json") {
            options.json = true;
        } else if (name == "--help" || name == "-h") {
            options.help = true;
        } else if (name == "--iface" || name == "--plugin" || name == "--root") {
            if (++at == arguments.end())
                return std::unexpected(std::string(name) + " wants a value");
            if (name == "--iface")
                options.interfaces.emplace_back(*at);
            else if (name == "--plugin")
                options.plugin = *at;
            else
                options.root = *at;
        } else {
            return std::unexpected("unknown argument '" + std::string(name) + "'");
        }
    }
    return options;
}

} // namespace netvsc::doctor
