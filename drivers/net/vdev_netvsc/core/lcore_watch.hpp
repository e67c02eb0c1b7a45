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

/// A moment by both clocks that are told of.
struct Moment {
    std::chrono::steady_clock::time_point time;
    std::uint64_t cycles = 0; ///< of the time stamp counter
};

/// An Rx queue of a started port of ours, over one period.
struct QueuePolls {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::optional<unsigned> lcore; ///< the last that polled it; nullopt: none did
};

/// An lcore's state is another now.
struct LcoreChange {
    unsigned lcore = 0;
    std::uint16_t port = 0; ///< one whose queues it polled
    LcoreState from{};
    LcoreState to{};
    bool operator==(const LcoreChange &) const = default;
};

/// Decides from what was polled which lcores live. Pure: periods and time come in as values.
///
/// An lcore is watched as long as it was the last to poll some queue of a started port:
///
///     UNUSED --polls--> ALIVE --a period without--> MISSING --another--> DEAD --another--> GONE
///
/// It is ALIVE again as soon as it polls any queue, and UNUSED when nothing is expected of it any
/// more: its ports were stopped, its queues are gone or polled by other lcores, or it has ended
/// the function it ran and waits for another.
class LcoreWatch {
public:
    struct Lcore {
        LcoreState state = LcoreState::unused;
        std::uint16_t port = 0; ///< one whose queues it polled
        Moment last_seen;       ///< the end of the last period in which it polled
        std::uint64_t deaths = 0;
    };

    /// A period is over.
    /// @param queues  all queues of all ports that are started
    /// @param idle    whether an lcore waits for a function to run
    /// @return in the order of lcores
    [[nodiscard]] std::vector<LcoreChange> period_over(std::span<const QueuePolls> queues,
                                                       const std::function<bool(unsigned)> &idle,
                                                       const Moment &now);

    /// All that have ever polled, by their number.
    [[nodiscard]] const std::map<unsigned, Lcore> &lcores() const { return lcores_; }

private:
    using QueueId = std::pair<std::uint16_t, std::uint16_t>; ///< port, queue

    std::map<QueueId, unsigned> pollers_; ///< who polled each queue last
    std::map<unsigned, Lcore> lcores_;
};

} // namespace netvsc
