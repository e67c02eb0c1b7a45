// SPDX-License-Identifier: BSD-3-Clause
//
// Shows net_vdev_netvsc's telemetry of a running application on a terminal.

#include "base/end_signals.hpp"
#include "netvsc-status/options.hpp"
#include "netvsc-status/screen.hpp"
#include "netvsc-status/status.hpp"
#include "netvsc-status/watch_screen.hpp"
#include "tool/run_tool.hpp"

#include <cstdlib>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace netvsc::status {
namespace {

constexpr auto home = "\x1b[H";         // to the screen's first line
constexpr auto clear_to_end = "\x1b[J"; // the rest of an older, longer screen
constexpr auto clear_line = "\x1b[K";   // the rest of an older, longer line
constexpr auto clear_all = "\x1b[H\x1b[2J";

using nlohmann::json;

/// The present state, or else a message.
std::expected<json, std::string>
look(const Options &options, std::optional<DriverApplication> &application, bool losses = false) {
    if (!application) {
        auto found = find_application(options.runtime_folder, options.file_prefix);
        if (!found)
            return std::unexpected(std::move(found.error()));
        application.emplace(std::move(*found));
    }
    auto status = read_status(*application, options.events, losses);
    if (!status) {
        application.reset(); // reconnect next time: it may have restarted
        return std::unexpected(status.error().message());
    }
    return std::move(*status);
}

std::string text_of(const json &status, const Options &options) {
    if (!options.json)
        return screen_of(status);
    return status.dump(options.watch ? -1 : 2, ' ', false, json::error_handler_t::replace) + "\n";
}

int show_once(const Options &options) {
    std::optional<DriverApplication> application;
    const auto shown = look(options, application);
    if (!shown) {
        std::cerr << "netvsc-status: " << shown.error() << '\n';
        return 1;
    }
    std::cout << text_of(*shown, options) << std::flush;
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

std::size_t terminal_columns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string waiting_for(const std::string &error) {
    return "netvsc-status: " + error + "; waiting for it\n";
}

// On a terminal.
int watch_in_place(const Options &options) {
    const EndSignals signals;
    const Palette palette(wants_colours(true, std::getenv("NO_COLOR"), std::getenv("TERM")));
    std::optional<DriverApplication> application;
    TimeLine time_line;
    std::cout << clear_all;
    do {
        const auto status = look(options, application, true);
        if (status) {
            time_line.add(*status);
            redraw(
                watch_screen_of(*status, time_line, options.interval, terminal_columns(), palette));
        } else {
            time_line.clear();
            redraw(waiting_for(status.error()));
        }
    } while (std::cout && signals.wait(options.interval));
    return 0;
}

// If the application ends, waits until it starts again.
int watch(const Options &options) {
    const EndSignals signals;
    std::optional<DriverApplication> application;
    std::string said;
    do {
        const auto shown = look(options, application);
        const std::string message = shown ? "" : waiting_for(shown.error());
        if (shown)
            std::cout << text_of(*shown, options) << (options.json ? "" : "\n") << std::flush;
        else if (message != said)
            std::cerr << message;
        said = message;
    } while (std::cout && signals.wait(options.interval));
    return 0;
}

int run(const Options &options) {
    if (options.request)
        return request(options);
    if (!options.watch)
        return show_once(options);
    return !options.json && ::isatty(STDOUT_FILENO) == 1 ? watch_in_place(options) : watch(options);
}

} // namespace
} // namespace netvsc::status

int main(int count, char **arguments) {
    using namespace netvsc::status;
    return netvsc::run_tool<Options>("netvsc-status", count, arguments, run);
}
