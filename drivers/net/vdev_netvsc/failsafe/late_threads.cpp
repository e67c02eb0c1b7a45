// SPDX-License-Identifier: BSD-3-Clause
#include "failsafe/late_threads.hpp"

#include "base/thread_progress.hpp"
#include "dpdk/adapted_operations.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "dpdk/rx_callback.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

#include <dev_driver.h>
#include <rte_interrupts.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

// Threads that poll a fail-safe port show that they have left its burst functions. Of others, such
// as those that only send, a burst takes less than this, with the time that the hypervisor takes.
constexpr auto burst = 100ms;

// Threads that poll have polled by then.
constexpr auto usual = 20ms;

// Nothing else is served in the interrupt thread meanwhile.
constexpr auto patience = 5s;

// The threads that have polled since the wait began; 0: free. More than these are not noted. Never
// freed: a removed callback may still run.
std::array<std::atomic<pid_t>, 256> pollers;

std::uint16_t note_poller(std::uint16_t /*port*/, std::uint16_t /*queue*/, rte_mbuf ** /*packets*/,
                          std::uint16_t count, std::uint16_t /*maximum*/,
                          void * /*unused*/) noexcept {
    const pid_t self = ::gettid();
    for (auto &poller : pollers) {
        pid_t noted = 0;
        if (poller.compare_exchange_strong(noted, self, std::memory_order_relaxed) || noted == self)
            break;
    }
    return count;
}

bool has_polled(pid_t thread) {
    return std::ranges::any_of(pollers, [thread](const auto &poller) {
        return poller.load(std::memory_order_relaxed) == thread;
    });
}

/// Has the threads noted that poll fail-safe ports, after each burst, while @p callbacks lives. One
/// wait at a time: in the interrupt thread.
void note_pollers(RxCallbacks &callbacks) {
    for (auto &poller : pollers)
        poller.store(0, std::memory_order_relaxed);
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        const rte_eth_dev &device = rte_eth_devices[port];
        if (rte_eth_dev_is_valid_port(port) != 0 && device.data->dev_started != 0 &&
            device.device != nullptr && device.device->driver != nullptr &&
            std::strcmp(device.device->driver->name, "net_failsafe") == 0)
            callbacks.add(port, note_poller);
    }
}

void wait_for_late_threads(const rte_eth_dev &sub_device) {
    RxCallbacks callbacks;
    note_pollers(callbacks);
    if (wait_for_other_threads(burst, usual, has_polled))
        return;
    const std::string name = sub_device.data->name;
    log(Level::debug, name + ": threads that may use it have not run since it left; waiting");
    if (!wait_for_other_threads(burst, patience, has_polled))
        log(Level::warning, name + ": a thread that may use it has not run for 5 s; it is closed "
                                   "nevertheless, which may end the application");
}

} // namespace

int stop_after_late_threads(rte_eth_dev *sub_device) {
    if (rte_thread_is_intr() != 0)
        guarded("late threads", [&] { wait_for_late_threads(*sub_device); });
    return original_operations(*sub_device).dev_stop(sub_device);
}

} // namespace netvsc
