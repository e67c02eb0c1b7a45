// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace netvsc {

/// How long things took: the last time, the longest, and how often up to each bound.
class LatencyHistogram {
public:
    /// Upper bounds of all classes but the last one, which has none.
    static constexpr std::array<unsigned, 10> bounds_ms{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

    void add(std::chrono::nanoseconds length);

    [[nodiscard]] std::chrono::microseconds last() const { return last_; }
    [[nodiscard]] std::chrono::microseconds longest() const { return longest_; }
    /// For each bound, and then without one, how many were above the bound before and not above
    /// this one.
    [[nodiscard]] const std::array<std::uint64_t, bounds_ms.size() + 1> &counts() const {
        return counts_;
    }

private:
    std::chrono::microseconds last_{};
    std::chrono::microseconds longest_{};
    std::array<std::uint64_t, bounds_ms.size() + 1> counts_{};
};

/// What has become of one port: what its statistics say, and what its next event has to carry.
struct PortRecord {
    std::uint16_t port_id = no_port;
    std::string netdevice;
    bool link_up = false;     ///< as was last told
    bool link_missed = false; ///< it may have changed while the port was stopped
    std::optional<TimePoint> last_link_change;
    std::optional<TimePoint> last_vf_change;

    std::uint64_t plug_ins = 0;      ///< VFs that came
    std::uint64_t removals = 0;      ///< VFs that went
    std::uint64_t failed_binds = 0;  ///< each try
    std::uint64_t failed_probes = 0; ///< each try
    /// From the kernel's notification of a VF, read, to its address in fail-safe's pipe.
    LatencyHistogram announcements;
    std::optional<TimePoint> noticed; ///< the notification of the VF to be announced next

    /// Counts an event of the port.
    void count(EventType type, TimePoint now);
    /// The VF's address is in the pipe. One that is announced again does not count.
    void announced(TimePoint now);
};

} // namespace netvsc
