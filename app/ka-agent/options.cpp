// SPDX-License-Identifier: BSD-3-Clause
#include "ka-agent/options.hpp"

#include "base/parse_number.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <pwd.h>
#include <string_view>

namespace netvsc {
namespace {

std::optional<uid_t> find_user(const std::string &name) {
    if (const auto number = parse_number<uid_t>(name))
        return number;
    std::array<char, 16384> buffer;
    passwd entry{};
    passwd *found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return found->pw_uid;
}

} // namespace

const char *const Options::usage =
    "usage: ka-agent [--shm NAME] [--owner USER] [--timeout SECONDS] [--json] [--once]\n"
    "Reports dead lcores of a DPDK application, as its shared memory shows them.\n"
    "  --shm NAME         the area's name (/dpdk_keepalive_shm_name)\n"
    "  --owner USER       also trust areas of this user, not only root's and your own\n"
    "  --timeout SECONDS  end when the area has not changed, or the application has not\n"
    "                     returned, for this time (10)\n"
    "  --json             print a JSON object in each line\n"
    "  --once             print the present state and end\n"
    "Exit status: 0 ended by a signal, or (--once) no lcore is dead; 1 (--once) some are;\n"
    "2 wrong arguments, or no area exists; 3 the application has ended or hangs\n";

std::expected<Options, std::string> Options::parse(std::span<const char *const> arguments) {
    Options options;
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        const std::string_view name = *at;
        if (name == "--once") {
            options.once = true;
        } else if (name == "--json") {
            options.json = true;
        } else if (name == "--help" || name == "-h") {
            options.help = true;
        } else if (name == "--shm" || name == "--owner" || name == "--timeout") {
            if (++at == arguments.end())
                return std::unexpected(std::string(name) + " wants a value");
            const std::string value = *at;
            if (name == "--shm") {
                options.area.name = value;
            } else if (name == "--owner") {
                options.area.owner = find_user(value);
                if (!options.area.owner)
                    return std::unexpected("--owner " + value + ": there is no such user");
            } else {
                const auto seconds = parse_number<std::uint32_t>(value);
                if (!seconds || *seconds == 0 || *seconds > 86'400)
                    return std::unexpected("--timeout " + value +
                                           ": expected a number of seconds from 1 to 86400");
                options.timeout = std::chrono::seconds(*seconds);
            }
        } else {
            return std::unexpected("unknown argument '" + std::string(name) + "'");
        }
    }
    return options;
}

} // namespace netvsc
