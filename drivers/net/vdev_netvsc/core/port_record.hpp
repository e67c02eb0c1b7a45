// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace netvsc {

/// A histogram of durations, with the last and the longest one.
class LatencyHistogram {
public:
    /// Upper bounds of all classes; one more class has none.
    static constexpr std::array<unsigned, 10> bounds_ms{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

    void add(std::chrono::nanoseconds length);

    [[nodiscard]] std::chrono::microseconds last() const { return last_; }
    [[nodiscard]] std::chrono::microseconds longest() const { return longest_; }
    using Counts = std::array<std::uint64_t, bounds_ms.size() + 1>;
    /// The number of durations in each class: above the previous bound, and not above its own.
    [[nodiscard]] const Counts &counts() const { return counts_; }
    /// The number of durations not above the bound of each class, as in Prometheus.
    [[nodiscard]] Counts cumulative() const;

private:
    std::chrono::microseconds last_{};
    std::chrono::microseconds longest_{};
    Counts counts_{};
};

/// The statistics of one port, and the data for its next event.
struct PortRecord {
    std::uint16_t port_id = no_port;
    std::string netdevice;
    bool link_up = false;     ///< the last reported state
    bool link_missed = false; ///< the link may have changed while the port was stopped
    std::optional<TimePoint> last_link_change;
    std::optional<TimePoint> last_vf_change;

    std::uint64_t plug_ins = 0;      ///< VFs that arrived
    std::uint64_t removals = 0;      ///< VFs that were removed
    std::uint64_t failed_binds = 0;  ///< every attempt
    std::uint64_t failed_probes = 0; ///< every attempt
    /// From the read of the kernel's notification to the VF's address in the pipe.
    LatencyHistogram announcements;
    /// From the same notification to the event vf_attached. With all retries.
    LatencyHistogram attachments;
    /// From the read of the notification of a removal, or the request of a hold, to fail-safe's use
    /// of the fallback. A removal that the VF's PMD reports itself has no such notification.
    LatencyHistogram detachments;
    std::optional<TimePoint> noticed;  ///< the notification of the next VF to announce
    std::optional<TimePoint> arriving; ///< the notification of the VF that was announced
    std::optional<TimePoint> leaving;  ///< the notification of the removal of the VF

    /// Counts an event of the port.
    void count(EventType type, TimePoint now);
    /// The VF's address is in the pipe. A repeated announcement does not count.
    void announced(TimePoint now);
    /// fail-safe uses the fallback: the driver raised the removal of the VF's port.
    void detached(TimePoint now);
};

} // namespace netvsc
