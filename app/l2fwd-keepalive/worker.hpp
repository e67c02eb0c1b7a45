// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "l2fwd-keepalive/path.hpp"

#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <rte_keepalive.h>

namespace netvsc {

/// One lcore that forwards. Starts it, ends it and restarts it.
class Worker {
public:
    static constexpr std::uint16_t burst = 32;

    /// @param keepalive  marked in each round; nullptr: none
    /// @param lifetime   see Options
    Worker(unsigned lcore, std::vector<Path *> paths, rte_keepalive *keepalive,
           std::chrono::seconds lifetime)
        : lcore_(lcore), paths_(std::move(paths)), keepalive_(keepalive), lifetime_(lifetime) {}

    [[nodiscard]] unsigned lcore() const { return lcore_; }
    [[nodiscard]] const std::vector<Path *> &paths() const { return paths_; }
    [[nodiscard]] unsigned restarts() const { return restarts_; }

    /// @return false if the lcore is busy
    bool start();
    /// Requests the lcore to finish its round and return.
    void end() { ends_.store(true, std::memory_order_relaxed); }
    /// Whether the lcore runs no function.
    [[nodiscard]] bool is_idle() const;

    /// Requests a restart of a dead lcore. An lcore that hangs restarts after it has returned.
    void want_restart();
    /// Restarts the lcore if want_restart() was called and the lcore is idle.
    void restart_if_wanted();

    /// Sends the frames in its buffers. Call it only while the lcore is idle.
    void flush();

private:
    static int run(void *self);
    void print_ports() const;
    void forward();
    void forward(Path &path);

    unsigned lcore_;
    std::vector<Path *> paths_;
    rte_keepalive *keepalive_;
    std::chrono::seconds lifetime_;
    std::atomic<bool> ends_ = false;
    // EAL does not guarantee that an lcore's last writes are visible when its state is WAIT.
    std::atomic<bool> forwards_ = false;
    bool restart_wanted_ = false;
    unsigned restarts_ = 0;
};

/// Divides the paths among EAL's worker lcores.
/// @return or else a message: there are too few lcores
[[nodiscard]] std::expected<std::vector<std::unique_ptr<Worker>>, std::string>
make_workers(std::span<const std::unique_ptr<Path>> paths, unsigned paths_per_lcore,
             rte_keepalive *keepalive, std::chrono::seconds lifetime);

} // namespace netvsc
