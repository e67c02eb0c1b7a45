// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/lcore_watch.hpp"
#include "core/queue_events.hpp"
#include "keepalive/keepalive_area.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

struct rte_eth_rxtx_callback;
struct rte_mbuf;

namespace netvsc {

/// Watches the lcores that poll the driver's ports, by an Rx callback on each queue. Reports their
/// states in shared memory, events, the log and telemetry. One object for each process.
///
/// An alarm in EAL's interrupt thread runs once in each period. It checks which ports are started,
/// with how many queues, and which lcores polled them. No alarm runs while no instance uses
/// keepalive.
///
/// Lock order: only ethdev's lock for Rx callbacks and the heap's lock are taken while the mutex is
/// held. The object is never destroyed, because an lcore may still run a callback.
class Keepalive {
public:
    struct Settings {
        std::chrono::milliseconds period{};
        std::string shm;
        std::string group; ///< name or number; empty: only the owner reads the area
        bool operator==(const Settings &) const = default;
    };

    /// Starts watching lcores for an instance. All instances must have the first one's settings.
    /// @return or else a message for the user
    [[nodiscard]] std::expected<void, std::string> join(const std::string &instance,
                                                        const Settings &settings);
    /// An instance is removed. Does nothing if it has not joined.
    void leave(const std::string &instance);

    /// Sets the alarm again if an earlier attempt failed. Call it at any event of the driver.
    void retry_alarm();

    /// The process ends, perhaps without rte_eal_cleanup().
    void end();

    /// A port is being closed. The next period does not access it, because DPDK releases the port's
    /// data in the meantime.
    void port_closed(std::uint16_t port);

    struct Status {
        Settings settings; ///< a period of 0: off
        std::map<unsigned, LcoreWatch::Lcore> lcores;
    };
    [[nodiscard]] Status status();

    /// @return the oldest queue event of a port that was not returned before; nullopt: none. Any
    /// thread, also from a callback for RTE_ETH_EVENT_QUEUE_STATE
    [[nodiscard]] std::optional<QueueEvent> next_queue_event(std::uint16_t port);

private:
    /// Only the lcore that polls the queue writes to this cache line.
    struct alignas(64) Mark {
        /// Id + 1 of the lcore that polled last; 0: none, or a thread that is no lcore.
        std::atomic<std::uint32_t> lcore = 0;
    };
    struct Watched {
        std::unique_ptr<Mark> mark = std::make_unique<Mark>();
        const rte_eth_rxtx_callback *callback = nullptr;
    };

    static std::uint16_t on_burst(std::uint16_t port, std::uint16_t queue, rte_mbuf **packets,
                                  std::uint16_t count, std::uint16_t maximum, void *mark) noexcept;
    static void on_alarm(void *self) noexcept;
    void arm_locked() NETVSC_REQUIRES(mutex_);
    void create_area_locked() NETVSC_REQUIRES(mutex_);
    /// @return the ports with a queue event, one element for each event
    [[nodiscard]] std::vector<std::uint16_t> period_over();
    [[nodiscard]] std::vector<std::uint16_t>
    add_queue_events_locked(const std::vector<LcoreChange> &changes, const Moment &now)
        NETVSC_REQUIRES(mutex_);
    [[nodiscard]] std::vector<QueuePolls> read_marks_locked() NETVSC_REQUIRES(mutex_);
    void report_locked(const std::vector<LcoreChange> &changes, const Moment &now)
        NETVSC_REQUIRES(mutex_);
    /// Without locks: the application's callbacks run in it.
    static void raise_queue_state(std::uint16_t port);
    void add_callback_locked(std::uint16_t port, std::uint16_t queue) NETVSC_REQUIRES(mutex_);
    void remove_callbacks_locked(std::uint16_t port) NETVSC_REQUIRES(mutex_);

    Mutex mutex_;
    std::set<std::string> instances_ NETVSC_GUARDED_BY(mutex_);
    Settings settings_ NETVSC_GUARDED_BY(mutex_);
    std::optional<gid_t> group_ NETVSC_GUARDED_BY(mutex_);
    std::optional<KeepaliveArea> area_ NETVSC_GUARDED_BY(mutex_);
    LcoreWatch watch_ NETVSC_GUARDED_BY(mutex_);
    QueueEvents queue_events_ NETVSC_GUARDED_BY(mutex_);
    /// By port and queue. Never erased: a running callback may still write to a mark.
    std::map<std::pair<std::uint16_t, std::uint16_t>, Watched> queues_ NETVSC_GUARDED_BY(mutex_);
    /// Another thread closes these ports. The next period skips them.
    std::set<std::uint16_t> closing_ NETVSC_GUARDED_BY(mutex_);
    bool armed_ NETVSC_GUARDED_BY(mutex_) = false;
};

/// The object of this process.
[[nodiscard]] Keepalive &keepalive();

} // namespace netvsc
