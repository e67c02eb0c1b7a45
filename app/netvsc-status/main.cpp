// SPDX-License-Identifier: BSD-3-Clause
//
// Shows net_vdev_netvsc's telemetry of a running application on a terminal.

#include "base/end_signals.hpp"
#include "netvsc-status/options.hpp"
#include "netvsc-status/screen.hpp"
#include "netvsc-status/status.hpp"
#include "tool/run_tool.hpp"

#include <iostream>
#include <unistd.h>

namespace netvsc::status {
namespace {

constexpr auto home = "\x1b[H";         // to the screen's first line
constexpr auto clear_to_end = "\x1b[J"; // the rest of an older, longer screen
constexpr auto clear_line = "\x1b[K";   // the rest of an older, longer line
constexpr auto clear_all = "\x1b[H\x1b[2J";

/// The present state as text or JSON, or else a message.
std::expected<std::string, std::string> look(const Options &options,
                                             std::optional<DriverApplication> &application) {
    if (!application) {
        auto found = find_application(options.runtime_folder, options.file_prefix);
        if (!found)
            return std::unexpected(std::move(found.error()));
        application.emplace(std::move(*found));
    }
    const auto status = read_status(*application, options.events);
    if (!status) {
        application.reset(); // reconnect next time: it may have restarted
        return std::unexpected(status.error().message());
    }
    if (!options.json)
        return screen_of(*status);
    using nlohmann::json;
    return status->dump(options.watch ? -1 : 2, ' ', false, json::error_handler_t::replace) + "\n";
}

int show_once(const Options &options) {
    std::optional<DriverApplication> application;
    const auto shown = look(options, application);
    if (!shown) {
        std::cerr << "netvsc-status: " << shown.error() << '\n';
        return 1;
    }
    std::cout << *shown << std::flush;
    return std::cout ? 0 : 1;
}

int request(const Options &options) {
    const auto refuse = [](const std::string &why) {
        std::cerr << "netvsc-status: " << why << '\n';
        return 1;
    };
    auto application = find_application(options.runtime_folder, options.file_prefix);
    if (!application)
        return refuse(application.error());
    const auto done = set_vf_held(*application, options.request->port, options.request->held);
    return done ? 0 : refuse(done.error().message());
}

// Overwrites the old screen line by line. Clearing the whole screen first would flicker.
void redraw(const std::string &text) {
    std::string drawn = home;
    for (const char byte : text) {
        if (byte == '\n')
            drawn += clear_line;
        drawn += byte;
    }
    std::cout << drawn << clear_to_end << std::flush;
}

// If the application ends, waits until it starts again.
int watch(const Options &options) {
    const EndSignals signals;
    std::optional<DriverApplication> application;
    const bool in_place = !options.json && ::isatty(STDOUT_FILENO) == 1;
    if (in_place)
        std::cout << clear_all;
    std::string said;
    do {
        const auto shown = look(options, application);
        const std::string message =
            shown ? "" : "netvsc-status: " + shown.error() + "; waiting for it\n";
        if (in_place)
            redraw(shown ? *shown : message);
        else if (shown)
            std::cout << *shown << (options.json ? "" : "\n") << std::flush;
        else if (message != said)
            std::cerr << message;
        said = message;
    } while (std::cout && signals.wait(options.interval));
    return 0;
}

int run(const Options &options) {
    if (options.request)
        return request(options);
    return options.watch ? watch(options) : show_once(options);
}

} // namespace
} // namespace netvsc::status

int main(int count, char **arguments) {
    using namespace netvsc::status;
    return netvsc::run_tool<Options>("netvsc-status", count, arguments, run);
}
