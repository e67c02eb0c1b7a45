// SPDX-License-Identifier: BSD-3-Clause
//
// Forwards frames between pairs of ports. The application does keepalive itself: its lcores mark
// themselves alive, and the main lcore checks them. The main lcore publishes their states in shared
// memory and restarts lcores that have died.

#include "l2fwd-keepalive/monitor.hpp"
#include "l2fwd-keepalive/options.hpp"
#include "l2fwd-keepalive/ports.hpp"
#include "l2fwd-keepalive/statistics.hpp"
#include "l2fwd-keepalive/worker.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_timer.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1ms;           // period in which the main lcore runs its timers
constexpr auto patience = 5s;        // time limit for lcores to end
volatile std::sig_atomic_t ends = 0; // set by a signal

extern "C" void on_signal(int /*number*/) { ends = 1; }

/// Calls a function on the main lcore periodically, by rte_timer.
class Periodic {
public:
    Periodic(std::chrono::milliseconds period, std::function<void()> call)
        : call_(std::move(call)) {
        rte_timer_init(&timer_);
        const auto milliseconds = static_cast<std::uint64_t>(period.count());
        // It fails while another lcore configures or runs the timer.
        if (milliseconds != 0 && rte_timer_reset(&timer_, rte_get_timer_hz() * milliseconds / 1000,
                                                 PERIODICAL, rte_lcore_id(), on_timer, this) != 0)
            throw std::runtime_error("rte_timer_reset failed");
    }
    Periodic(const Periodic &) = delete;
    Periodic &operator=(const Periodic &) = delete;
    ~Periodic() { rte_timer_stop_sync(&timer_); }

private:
    static void on_timer(rte_timer * /*timer*/, void *self) {
        static_cast<Periodic *>(self)->call_();
    }

    rte_timer timer_{};
    std::function<void()> call_;
};

using Workers = std::vector<std::unique_ptr<Worker>>;

// @return whether all have ended
bool end_all(const Workers &workers) {
    for (const auto &worker : workers)
        worker->end();
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto idle = [](const auto &worker) { return worker->is_idle(); };
    while (!std::ranges::all_of(workers, idle)) {
        if (std::chrono::steady_clock::now() >= until)
            return false;
        std::this_thread::sleep_for(tick);
    }
    // A dead lcore may have left frames in its buffers.
    for (const auto &worker : workers)
        worker->flush();
    return true;
}

void run(const Workers &workers, const Ports &ports, Monitor *monitor, const Options &options) {
    const Periodic check(monitor != nullptr ? options.check : std::chrono::milliseconds::zero(),
                         [&] { monitor->ping(); });
    const Periodic print(options.statistics,
                         [&] { std::cout << statistics(ports.paths(), workers) << std::flush; });
    for (const auto &worker : workers) {
        if (monitor != nullptr)
            monitor->watch(worker->lcore());
        worker->start();
    }
    std::cout << "l2fwd-keepalive: forwarding\n" << std::flush;
    while (ends == 0) {
        rte_timer_manage();
        for (const auto &worker : workers)
            worker->restart_if_wanted();
        std::this_thread::sleep_for(tick);
    }
}

int forward(const Options &options) {
    const auto refuse = [](const std::string &why) {
        std::cerr << "l2fwd-keepalive: " << why << '\n';
        return 1;
    };
    if (const int error = rte_timer_subsystem_init(); error != 0 && error != -EALREADY)
        return refuse(std::string("rte_timer_subsystem_init: ") + rte_strerror(-error));
    Workers workers;
    std::unique_ptr<Monitor> monitor;
    if (options.check.count() != 0) {
        auto started = Monitor::start(options.shm, [&](unsigned lcore) {
            std::cout << "Dead core " << lcore << " - restarting..\n" << std::flush;
            for (const auto &worker : workers) {
                if (worker->lcore() == lcore)
                    worker->want_restart();
            }
        });
        if (!started)
            return refuse(started.error());
        monitor = std::move(*started);
    }
    auto ports = Ports::start(options.port_mask);
    if (!ports)
        return refuse(ports.error());
    auto made = make_workers(ports->paths(), options.queues_per_lcore,
                             monitor ? monitor->keepalive() : nullptr, options.lifetime);
    if (!made)
        return refuse(made.error());
    workers = std::move(*made);
    run(workers, *ports, monitor.get(), options);
    const bool ended = end_all(workers);
    std::cout << statistics(ports->paths(), workers) << std::flush;
    if (!ended) {
        // An lcore that hangs may resume at any time. It would use memory that closing frees.
        monitor.reset();
        std::cerr << "l2fwd-keepalive: an lcore hangs; ports are not closed\n" << std::flush;
        std::_Exit(1);
    }
    return 0;
}

} // namespace
} // namespace netvsc

int main(int count, char **arguments) {
    try {
        const int used = rte_eal_init(count, arguments);
        if (used < 0) {
            std::cerr << "l2fwd-keepalive: rte_eal_init: " << rte_strerror(rte_errno) << '\n';
            return 1;
        }
        const auto options = netvsc::Options::parse({arguments + used + 1, arguments + count});
        int status = 0;
        if (!options) {
            std::cerr << "l2fwd-keepalive: " << options.error() << '\n' << netvsc::Options::usage;
            status = 2;
        } else if (options->help) {
            std::cout << netvsc::Options::usage;
        } else {
            std::signal(SIGINT, netvsc::on_signal);
            std::signal(SIGTERM, netvsc::on_signal);
            status = netvsc::forward(*options);
        }
        rte_eal_cleanup();
        return status;
    } catch (const std::exception &error) {
        std::cerr << "l2fwd-keepalive: " << error.what() << '\n';
        return 1;
    }
}
