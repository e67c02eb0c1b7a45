// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/lcore_watch.hpp"
#include "keepalive/keepalive_area.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

struct rte_eth_rxtx_callback;
struct rte_mbuf;

namespace netvsc {

/// Watches the lcores that poll our ports, by an Rx callback on each of their queues, and tells in
/// what state they are: shared memory, events, log, telemetry. One in a process.
///
/// Once in each period, from an alarm in EAL's interrupt thread, it looks which ports are started
/// and with how many queues, and what was polled. While no instance asks for it there is no alarm.
///
/// Its mutex is a leaf but for ethdev's lock over Rx callbacks and the heap's, which never call
/// back. Never destroyed: an lcore may be anywhere in a callback.
class Keepalive {
public:
    struct Settings {
        std::chrono::milliseconds period{};
        std::string shm;
        std::string group; ///< name or number; empty: the owner alone
        bool operator==(const Settings &) const = default;
    };

    /// An instance wants lcores watched from now on. The first one's settings hold for all.
    /// @return or else a message for the user
    [[nodiscard]] std::expected<void, std::string> join(const std::string &instance,
                                                        const Settings &settings);
    /// An instance goes; nothing happens if it has not joined.
    void leave(const std::string &instance);

    /// Something has happened: an alarm that could not be had is asked for again.
    void go_on();

    /// The process ends, perhaps without rte_eal_cleanup().
    void end();

    /// A port is being closed. Called before it is gone: what DPDK knows of it goes meanwhile.
    void port_closed(std::uint16_t port);

    struct Status {
        Settings settings; ///< a period of 0: off
        std::map<unsigned, LcoreWatch::Lcore> lcores;
    };
    [[nodiscard]] Status status();

private:
    /// Written by the lcore that polls the queue, and by nobody else in its cache line.
    struct alignas(64) Mark {
        /// Number + 1 of the lcore that polled last; 0: none, or a thread that is no lcore.
        std::atomic<std::uint32_t> lcore = 0;
    };
    struct Watched {
        std::unique_ptr<Mark> mark = std::make_unique<Mark>();
        const rte_eth_rxtx_callback *callback = nullptr;
    };

    static std::uint16_t on_burst(std::uint16_t port, std::uint16_t queue, rte_mbuf **packets,
                                  std::uint16_t count, std::uint16_t maximum, void *mark) noexcept;
    static void on_alarm(void *self) noexcept;
    void arm();
    void make_area();
    void period_over();
    [[nodiscard]] std::vector<QueuePolls> look();
    void tell(const std::vector<LcoreChange> &changes, const Moment &now);
    void add_callback(std::uint16_t port, std::uint16_t queue);
    void remove_callbacks(std::uint16_t port);

    std::mutex mutex_;
    std::set<std::string> instances_;
    Settings settings_;
    std::optional<gid_t> group_;
    std::optional<KeepaliveArea> area_;
    LcoreWatch watch_;
    /// By port and queue. Marks stay for ever: a callback in flight may still write to one.
    std::map<std::pair<std::uint16_t, std::uint16_t>, Watched> queues_;
    /// Being released by another thread: not looked at in the next period.
    std::set<std::uint16_t> closing_;
    bool armed_ = false;
};

/// The process's one.
[[nodiscard]] Keepalive &keepalive();

} // namespace netvsc
