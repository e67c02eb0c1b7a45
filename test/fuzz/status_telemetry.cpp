// SPDX-License-Identifier: BSD-3-Clause
// netvsc-status with an application that answers anything.
#include "hostile_application.hpp"
#include "netvsc-status/screen.hpp"
#include "netvsc-status/status.hpp"
#include "netvsc-status/watch_screen.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const HostileApplication hostile(data, size);
    auto application =
        find_application(HostileApplication::folder(), (hostile.flags() & 4U) != 0 ? "rte" : "");
    if (!application)
        return 0;
    const auto read = status::read_status(*application, hostile.flags() >> 3U);
    if (!read)
        return 0;
    status::TimeLine time_line;
    time_line.add(*read);
    for (const std::string &screen :
         {status::screen_of(*read),
          status::watch_screen_of(*read, time_line, std::chrono::seconds(1), hostile.flags(),
                                  status::Palette(false))}) {
        // What a terminal takes for a command.
        require(std::ranges::none_of(screen, [](char c) {
            return (static_cast<unsigned char>(c) < ' ' && c != '\n') || c == '\x7f';
        }));
        require(screen.empty() || screen.back() == '\n');
    }
    (void)read->dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    planted_bug((*read)["keepalive"].is_number() && (*read)["keepalive"] != 1);
    return 0;
}
