// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/config.hpp"
#include "collectd/report.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <chrono>
#include <map>

namespace netvsc::collectd {

/// Decides what collectd receives about the lcores that an application watches.
class KeepaliveStatus {
public:
    explicit KeepaliveStatus(KeepaliveConfig config) : config_(std::move(config)) {}

    /// Reports the present states of the lcores.
    void polled(const KeepaliveSnapshot &snapshot, Report &report);
    /// Reports that @p lcore became @p state @p age ago. Call it before polled(), which reports
    /// later states.
    void happened(unsigned lcore, LcoreState state, std::chrono::nanoseconds age, Report &report);
    /// The area no longer exists. The next area's states are all reported.
    void forget();

private:
    void notify(unsigned lcore, LcoreState state, std::chrono::nanoseconds age, Report &report);

    KeepaliveConfig config_;
    std::map<unsigned, LcoreState> reported_;
    bool width_checked_ = false;
};

/// Whether a process still writes to an area whose writer holds no lock (DPDK's own
/// l2fwd-keepalive). If an lcore is ALIVE and its time stamp has not moved for long, the writer has
/// ended.
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
