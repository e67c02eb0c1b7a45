// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/lcore_state.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace netvsc {

/// One moment by two clocks.
struct Moment {
    std::chrono::steady_clock::time_point time;
    std::uint64_t cycles = 0; ///< of the time stamp counter
};

/// The polls of one Rx queue of a started port, in one period.
struct QueuePolls {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::optional<unsigned> lcore; ///< the last lcore that polled it; nullopt: none
};

/// A change of an lcore's state.
struct LcoreChange {
    unsigned lcore = 0;
    std::uint16_t port = 0; ///< a port whose queues it polled
    LcoreState from{};
    LcoreState to{};
    bool operator==(const LcoreChange &) const = default;
};

/// Decides from the polled queues which lcores are alive. Pure: the caller passes in the time.
///
/// Watches each lcore that was the last to poll some queue of a started port:
///
///     UNUSED --polls--> ALIVE --a period without--> MISSING --another--> DEAD --another--> GONE
///
/// An lcore that polls any queue is ALIVE again. It is UNUSED when it need not poll: its ports were
/// stopped, its queues no longer exist or other lcores poll them, or its function has ended.
class LcoreWatch {
public:
    struct Lcore {
        LcoreState state = LcoreState::unused;
        std::uint16_t port = 0; ///< a port whose queues it polled
        Moment last_seen;       ///< the end of the last period in which it polled
        std::uint64_t deaths = 0;
    };

    /// A period is over.
    /// @param queues  all queues of all started ports
    /// @param idle    whether an lcore waits for a function to run
    /// @return the changes, ordered by lcore
    [[nodiscard]] std::vector<LcoreChange> period_over(std::span<const QueuePolls> queues,
                                                       const std::function<bool(unsigned)> &idle,
                                                       const Moment &now);

    /// All lcores that have ever polled, by number.
    [[nodiscard]] const std::map<unsigned, Lcore> &lcores() const { return lcores_; }

    using QueueId = std::pair<std::uint16_t, std::uint16_t>; ///< port, queue
    /// The queues of started ports that this lcore was the last to poll, in ascending order.
    [[nodiscard]] std::vector<QueueId> queues_of(unsigned lcore) const;

private:
    std::map<QueueId, unsigned> pollers_; ///< the last lcore that polled each queue
    std::map<unsigned, Lcore> lcores_;
};

} // namespace netvsc
