// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/rx_callback.hpp"

#include "dpdk/clock.hpp"
#include "dpdk/log.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

// An lcore may take this long to leave a callback that was removed while the lcore ran it.
constexpr auto grace = 1s;

// A thread that polls does so thousands of times in this span, even on a shared processor.
constexpr auto patience = 100ms;

constexpr unsigned nobody = LCORE_ID_ANY - 1;

// Never freed: a removed callback may still run.
std::atomic<unsigned> poller = nobody;

std::uint16_t record_poller(std::uint16_t /*port*/, std::uint16_t /*queue*/,
                            rte_mbuf ** /*packets*/, std::uint16_t count, std::uint16_t /*maximum*/,
                            void * /*unused*/) noexcept {
    poller.store(rte_lcore_id(), std::memory_order_relaxed);
    return count;
}

void free_callback(void *callback) { rte_free(callback); }

} // namespace

bool remove_rx_callback(std::uint16_t port, std::uint16_t queue,
                        const rte_eth_rxtx_callback *callback) {
    if (rte_eth_remove_rx_callback(port, queue, callback) != 0)
        return false;
    // Without an alarm the callback is never freed: a leak of some bytes is better than a crash.
    const auto delay = std::chrono::microseconds(grace).count();
    if (rte_eal_alarm_set(static_cast<std::uint64_t>(delay), free_callback,
                          const_cast<rte_eth_rxtx_callback *>(callback)) != 0)
        log(Message::Level::info,
            "rte_eal_alarm_set failed; the memory of a removed Rx callback is not freed");
    return true;
}

RxCallbacks::~RxCallbacks() {
    for (const auto &[port, queue, callback] : callbacks_)
        remove_rx_callback(port, queue, callback);
}

void RxCallbacks::add(std::uint16_t port, rte_rx_callback_fn function) {
    const std::uint16_t queues = rte_eth_devices[port].data->nb_rx_queues;
    callbacks_.reserve(callbacks_.size() + queues);
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
        if (const auto *callback = rte_eth_add_rx_callback(port, queue, function, nullptr))
            callbacks_.push_back({.port = port, .queue = queue, .callback = callback});
    }
}

std::optional<unsigned> polling_lcore(std::uint16_t port) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (rte_eth_dev_is_valid_port(port) == 0 || rte_eth_devices[port].data->dev_started == 0)
        return std::nullopt;
    poller.store(nobody, std::memory_order_relaxed);
    RxCallbacks callbacks;
    callbacks.add(port, record_poller);
    const TimePoint until = now() + patience;
    while (poller.load(std::memory_order_relaxed) == nobody && now() < until)
        std::this_thread::sleep_for(1ms);
    const unsigned seen = poller.load(std::memory_order_relaxed);
    return seen == nobody ? std::nullopt : std::optional(seen);
}

} // namespace netvsc
