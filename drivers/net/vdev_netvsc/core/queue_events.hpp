// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/lcore_state.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace netvsc {

/// The lcore that polls an Rx queue has changed its state.
struct QueueEvent {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    unsigned lcore = 0;
    LcoreState state{}; ///< alive, missing or dead
    std::chrono::steady_clock::time_point time;
    bool operator==(const QueueEvent &) const = default;
};

/// Queue events that the application has not read yet: for each queue the newest one. So an
/// application that never reads costs at most one event for each queue. Pure, not thread-safe.
class QueueEvents {
public:
    /// Replaces an unread event of the same queue.
    void add(const QueueEvent &event);
    /// @return the oldest unread event of a port, which is then read; nullopt: there is none
    [[nodiscard]] std::optional<QueueEvent> next(std::uint16_t port);
    /// A port was closed: the next port with its number must not have its events.
    void forget(std::uint16_t port);

private:
    std::deque<QueueEvent> unread_; ///< oldest first
};

} // namespace netvsc
