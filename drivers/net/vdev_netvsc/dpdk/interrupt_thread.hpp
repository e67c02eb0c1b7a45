// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>

namespace netvsc {

/// Pauses EAL's interrupt thread while the object lives: no interrupt and no alarm runs, so PMDs
/// raise no ethdev event from there.
///
/// Any thread; in the interrupt thread itself it does nothing. The constructor waits until the
/// interrupt thread has paused, but not longer than @p patience, because that thread may wait for a
/// lock of the caller. It then pauses as soon as it can. A pause does not last longer than
/// @p patience either, because the caller may wait for that thread. Does nothing if there is no
/// memory for an alarm.
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
