// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/config.hpp"
#include "collectd/report.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <chrono>
#include <map>

namespace netvsc::collectd {

/// Decides what is told of the lcores that an application watches.
class KeepaliveStatus {
public:
    explicit KeepaliveStatus(KeepaliveConfig config) : config_(std::move(config)) {}

    /// How the lcores are now.
    void polled(const KeepaliveSnapshot &snapshot, Report &report);
    /// How @p lcore became @p age ago. Called before polled(), which knows what came after.
    void happened(unsigned lcore, LcoreState state, std::chrono::nanoseconds age, Report &report);
    /// The area has gone: all is told anew when there is one again.
    void forget();

private:
    void notify(unsigned lcore, LcoreState state, std::chrono::nanoseconds age, Report &report);

    KeepaliveConfig config_;
    std::map<unsigned, LcoreState> told_;
    bool width_checked_ = false;
};

/// Whether somebody still writes to an area whose writer cannot be told by a lock (DPDK's own
/// l2fwd-keepalive): one whose lcore is alive, but has not been seen anew for long, is left over.
class AreaActivity {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds limit{60};

    [[nodiscard]] bool left_over(const KeepaliveSnapshot &snapshot, Time now);

private:
    std::vector<std::uint64_t> last_seen_;
    Time moved_;
};

} // namespace netvsc::collectd
