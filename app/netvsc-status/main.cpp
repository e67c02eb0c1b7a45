// SPDX-License-Identifier: BSD-3-Clause
//
// Shows, to a person at a terminal, what net_vdev_netvsc's telemetry tells of a running
// application.

#include "netvsc-status/options.hpp"
#include "netvsc-status/screen.hpp"
#include "netvsc-status/status.hpp"

#include <csignal>
#include <ctime>
#include <exception>
#include <iostream>
#include <unistd.h>

namespace netvsc::status {
namespace {

constexpr auto home = "\x1b[H";         // to the screen's first line
constexpr auto clear_to_end = "\x1b[J"; // what an older, longer screen left
constexpr auto clear_line = "\x1b[K";   // the same of a line
constexpr auto clear_all = "\x1b[H\x1b[2J";

/// Takes SIGINT and the like as the end of a wait instead of the program's.
class EndSignals {
public:
    EndSignals() {
        sigemptyset(&ends_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP})
            sigaddset(&ends_, number);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
        sigprocmask(SIG_BLOCK, &ends_, nullptr);
    }
    /// @return false if a signal came
    [[nodiscard]] bool wait(std::chrono::milliseconds length) const {
        const timespec limit{.tv_sec = length.count() / 1000,
                             .tv_nsec = length.count() % 1000 * 1'000'000};
        return sigtimedwait(&ends_, nullptr, &limit) < 0;
    }

private:
    sigset_t ends_{};
};

/// The text or the JSON of how it is now, or else a message.
std::expected<std::string, std::string> look(const Options &options,
                                             std::optional<Application> &application) {
    if (!application) {
        auto found = find_application(options.runtime_folder, options.file_prefix);
        if (!found)
            return std::unexpected(std::move(found.error()));
        application.emplace(std::move(*found));
    }
    const auto status = read_status(*application, options.events);
    if (!status) {
        application.reset(); // it may have been started anew
        return std::unexpected(status.error().message());
    }
    if (!options.json)
        return screen_of(*status);
    using nlohmann::json;
    return status->dump(options.watch ? -1 : 2, ' ', false, json::error_handler_t::replace) + "\n";
}

int show_once(const Options &options) {
    std::optional<Application> application;
    const auto shown = look(options, application);
    if (!shown) {
        std::cerr << "netvsc-status: " << shown.error() << '\n';
        return 1;
    }
    std::cout << *shown << std::flush;
    return std::cout ? 0 : 1;
}

// Line by line over what was there: a screen that is cleared first flickers.
void redraw(const std::string &text) {
    std::string drawn = home;
    for (const char byte : text) {
        if (byte == '\n')
            drawn += clear_line;
        drawn += byte;
    }
    std::cout << drawn << clear_to_end << std::flush;
}

// An application that ends is waited for.
int watch(const Options &options) {
    const EndSignals signals;
    std::optional<Application> application;
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

} // namespace
} // namespace netvsc::status

int main(int count, char **arguments) {
    using netvsc::status::Options;
    try {
        const auto options = Options::parse({arguments + 1, arguments + count});
        if (!options) {
            std::cerr << "netvsc-status: " << options.error() << '\n' << Options::usage;
            return 2;
        }
        if (options->help) {
            std::cout << Options::usage;
            return 0;
        }
        return options->watch ? netvsc::status::watch(*options)
                              : netvsc::status::show_once(*options);
    } catch (const std::exception &error) {
        std::cerr << "netvsc-status: " << error.what() << '\n';
        return 1;
    }
}
