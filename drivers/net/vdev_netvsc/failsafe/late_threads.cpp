// SPDX-License-Identifier: BSD-3-Clause
#include "failsafe/late_threads.hpp"

#include "base/thread_progress.hpp"
#include "dpdk/adapted_operations.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"

#include <chrono>
#include <string>

#include <rte_interrupts.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

// A burst of every sub-device, with a system call for each of its frames, takes less.
constexpr auto burst = 10ms;

// Threads that run all the time have run for a burst by then.
constexpr auto usual = 20ms;

// Nothing else is served in the interrupt thread meanwhile.
constexpr auto patience = 5s;

void wait_for_late_threads(const rte_eth_dev &sub_device) {
    if (wait_for_other_threads(burst, usual))
        return;
    const std::string name = sub_device.data->name;
    log(Level::debug, name + ": threads that may use it have not run since it left; waiting");
    if (!wait_for_other_threads(burst, patience))
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
