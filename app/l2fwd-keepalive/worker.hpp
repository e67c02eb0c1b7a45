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

/// One lcore that forwards: its paths, and how it is started, ended and started again.
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

    /// @return whether the lcore was free to be started
    bool start();
    /// It is to end its round and return.
    void end() { ends_.store(true, std::memory_order_relaxed); }
    /// It runs no function (any more).
    [[nodiscard]] bool is_idle() const;

    /// It is dead: an lcore that hangs is told to end, and started again once it has.
    void want_restart();
    /// Starts it again, if it is to be and can be.
    void restart_if_wanted();

    /// Sends what waits in its buffers. Only while the lcore does not run.
    void flush();

private:
    static int run(void *self);
    void forward();
    void forward(Path &path);

    unsigned lcore_;
    std::vector<Path *> paths_;
    rte_keepalive *keepalive_;
    std::chrono::seconds lifetime_;
    std::atomic<bool> ends_ = false;
    // Beside the state of the lcore: EAL does not promise that its last writes are seen at WAIT.
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
