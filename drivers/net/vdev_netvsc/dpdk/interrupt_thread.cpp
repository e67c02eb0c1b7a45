// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/interrupt_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <new>

#include <rte_alarm.h>
#include <rte_interrupts.h>

namespace netvsc {

// Shared, so that neither thread needs to wait until the other is through with it: EAL's way to
// wait for an alarm that is running (rte_eal_alarm_cancel()) is to spin, for ever if the caller has
// a real-time priority and the interrupt thread shares its processor.
struct InterruptThreadPause::Meeting {
    const std::chrono::milliseconds patience;
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false;
    bool over = false;

    /// Until it is told, as long as the patience lasts.
    void wait(const bool &what) {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, patience, [&] { return what; });
    }
    /// @return whether the interrupt thread had come to it
    bool tell(bool &what) {
        const std::lock_guard lock(mutex);
        what = true;
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
    const bool reached = meeting_->tell(meeting_->over);
    if (!reached && rte_eal_alarm_cancel(pause, held_by_alarm_) > 0)
        delete held_by_alarm_;
}

void InterruptThreadPause::pause(void *held_by_alarm) noexcept {
    const std::unique_ptr<std::shared_ptr<Meeting>> held(
        static_cast<std::shared_ptr<Meeting> *>(held_by_alarm));
    Meeting &meeting = **held;
    meeting.tell(meeting.reached);
    meeting.wait(meeting.over);
}

} // namespace netvsc
