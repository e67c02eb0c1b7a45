// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/keepalive_area.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <rte_keepalive.h>
#include <rte_malloc.h>

namespace netvsc {

/// DPDK's rte_keepalive, and the shared memory in which other processes read its states.
class Monitor {
public:
    /// @param shm   the area's name; if it cannot be created, the reason is printed and the
    ///              keepalive works without it
    /// @param dead  called by ping() for an lcore that has died
    [[nodiscard]] static std::expected<std::unique_ptr<Monitor>, std::string>
    start(const std::string &shm, std::function<void(unsigned lcore)> dead);

    [[nodiscard]] rte_keepalive *keepalive() const { return keepalive_.get(); }
    /// This lcore will be marked alive from now on.
    void watch(unsigned lcore);
    /// Checks all lcores. Call it once in each period.
    void ping();

private:
    explicit Monitor(std::function<void(unsigned lcore)> dead) : dead_(std::move(dead)) {}

    static void on_death(void *self, int lcore);
    static void on_state(void *self, int lcore, rte_keepalive_state state, std::uint64_t last_seen);

    struct Free {
        void operator()(rte_keepalive *keepalive) const { rte_free(keepalive); }
    };
    std::function<void(unsigned lcore)> dead_;
    std::unique_ptr<rte_keepalive, Free> keepalive_;
    std::optional<KeepaliveArea> area_;
    int died_ = -1; ///< lcore that died in this ping; rte_keepalive relays its state next
};

} // namespace netvsc
