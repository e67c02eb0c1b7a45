// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/interrupt_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <new>

#include <rte_alarm.h>
#include <rte_interrupts.h>

namespace netvsc {

// Both threads own it, so neither waits until the other no longer uses it. rte_eal_alarm_cancel()
// waits for a running alarm by spinning. It would spin for ever if the caller had a real-time
// priority and the interrupt thread ran on the same processor.
struct InterruptThreadPause::Meeting {
    const std::chrono::milliseconds patience;
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false;
    bool over = false;

    /// Waits until the flag is set, not longer than the patience.
    void wait(const bool &flag) {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, patience, [&] { return flag; });
    }
    /// @return whether the interrupt thread has paused
    bool set(bool &flag) {
        const std::lock_guard lock(mutex);
        flag = true;
        changed.notify_all();
        return reached;
    }
};

InterruptThreadPause::InterruptThreadPause(std::chrono::milliseconds patience) noexcept {
    if (rte_thread_is_intr() != 0)
        return;
    try {
        meeting_ = std::make_shared<Meeting>(patience);
        auto held = std::make_unique<std::shared_ptr<Meeting>>(meeting_);
        if (rte_eal_alarm_set(1, pause, held.get()) == 0)
            held_by_alarm_ = held.release();
    } catch (const std::bad_alloc &) {
        return;
    }
    if (held_by_alarm_ != nullptr)
        meeting_->wait(meeting_->reached);
}

InterruptThreadPause::~InterruptThreadPause() {
    if (held_by_alarm_ == nullptr)
        return;
    const bool reached = meeting_->set(meeting_->over);
    if (!reached && rte_eal_alarm_cancel(pause, held_by_alarm_) > 0)
        delete held_by_alarm_;
}

void InterruptThreadPause::pause(void *held_by_alarm) noexcept {
    const std::unique_ptr<std::shared_ptr<Meeting>> held(
        static_cast<std::shared_ptr<Meeting> *>(held_by_alarm));
    Meeting &meeting = **held;
    meeting.set(meeting.reached);
    meeting.wait(meeting.over);
}

} // namespace netvsc
