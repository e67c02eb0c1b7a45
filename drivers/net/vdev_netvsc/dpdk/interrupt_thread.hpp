// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>

namespace netvsc {

/// Keeps EAL's interrupt thread from everything else while it lives: no interrupt, no alarm, and so
/// none of the ethdev events that PMDs raise from there.
///
/// Made by any thread; in the interrupt thread itself it does nothing. Waits until that thread has
/// come to it, but no longer than the patience given, after which it is held up as soon as it
/// comes: it may itself be waiting for a lock that the caller has. Nor is it held up for longer
/// than that, for the caller may come to wait for it. Without memory for an alarm nothing is held
/// up.
class InterruptThreadPause {
public:
    /// @param patience  by default longer than a VF's probe takes (mlx5: some 100 ms)
    explicit InterruptThreadPause(
        std::chrono::milliseconds patience = std::chrono::seconds(5)) noexcept;
    InterruptThreadPause(const InterruptThreadPause &) = delete;
    InterruptThreadPause &operator=(const InterruptThreadPause &) = delete;
    ~InterruptThreadPause();

private:
    struct Meeting;
    static void pause(void *held_by_alarm) noexcept;

    std::shared_ptr<Meeting> meeting_;
    std::shared_ptr<Meeting> *held_by_alarm_ = nullptr; ///< null: no alarm was set
};

} // namespace netvsc
