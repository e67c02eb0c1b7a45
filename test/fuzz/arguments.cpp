// SPDX-License-Identifier: BSD-3-Clause
// Device arguments, from a command line or a file: one `key=value` in each line of the input.
#include "core/arguments.hpp"

#include "core/link.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace netvsc;

namespace {

std::vector<KeyValue> split(std::string_view text) {
    std::vector<KeyValue> pairs;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t equals = std::min(line.find('='), line.size());
        pairs.push_back({std::string(line.substr(0, equals)),
                         std::string(line.substr(std::min(line.size(), equals + 1)))});
    }
    return pairs;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto parsed = Arguments::parse(split({reinterpret_cast<const char *>(data), size}));
    if (!parsed) {
        // It goes to the log and a terminal as it is.
        require(!parsed.error().empty());
        require(std::ranges::all_of(parsed.error(), [](char c) { return c >= ' ' && c <= '~'; }));
        return 0;
    }
    for (const std::string &name : parsed->interfaces)
        require(!name.empty() && name.size() <= 15 && safe_in_devargs(name));
    require(parsed->hotplug_poll.count() > 0 &&
            parsed->hotplug_poll <= Arguments::max_hotplug_poll);
    require(parsed->keepalive.count() >= 0 && parsed->keepalive <= Arguments::max_keepalive);
    // A name of shm_open()'s: one slash, at its beginning.
    require(parsed->keepalive_shm.rfind('/') == 0 && parsed->keepalive_shm.size() > 1);
    planted_bug(parsed->interfaces.size() >= 3);
    // What ends a line of fail-safe's pipe never gets into one.
    require(parsed->vf_args.find('\n') == std::string::npos);
    return 0;
}
