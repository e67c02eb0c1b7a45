// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/event.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace netvsc {

/// Numbers events, keeps the last ones, and delivers them to subscribers. The file event_bus.cpp
/// has it for Event and for KernelEvent.
///
/// Any thread may publish, with any locks held: publish() calls no subscriber. deliver() calls the
/// subscribers, in a thread that holds no lock. No other lock is taken while its mutex is held.
template <typename Subject> class BasicEventBus {
public:
    using Numbered = NumberedOf<Subject>;
    static constexpr std::size_t default_capacity = 1024;

    /// @param wake      called by publish(), without the bus's mutex, when there are events to
    ///                  deliver. Must cause a call of deliver() soon.
    /// @param capacity  the number of kept events
    explicit BasicEventBus(std::function<void()> wake, std::size_t capacity = default_capacity);

    /// @return its sequence number
    std::uint64_t publish(Subject event, std::chrono::steady_clock::time_point now);

    // ---- Published events.

    struct History {
        std::uint64_t first = 1; ///< the number of the oldest kept event
        std::uint64_t next = 1;  ///< the number of the next event
        std::vector<Numbered> events;
    };
    /// The kept events from number @p sequence on. If that is below History::first, the caller has
    /// missed events.
    [[nodiscard]] History since(std::uint64_t sequence) const;

    // ---- Subscribers.

    /// Identifies a subscriber: a function of the application, and the pointer passed to it.
    struct Key {
        std::uintptr_t function = 0;
        const void *user = nullptr;
        bool operator==(const Key &) const = default;
    };
    /// Must not throw.
    using Callback = std::function<void(const Numbered &)>;

    /// Subscribes from the next event on. @return false if @p key has subscribed already
    [[nodiscard]] bool subscribe(const Key &key, Callback callback);
    [[nodiscard]] bool has_subscribers() const;
    /// After the return, the callback does not run and is not called again, except for a call that
    /// called this function itself. Waits for a call that runs in another thread, so that thread
    /// must not wait for the caller. @return false if @p key has not subscribed
    [[nodiscard]] bool unsubscribe(const Key &key);

    /// Calls the subscribers for all events published before. If events were dropped meanwhile, a
    /// subscriber sees a gap in the numbers. Does nothing if called from within a callback, or
    /// while another thread delivers.
    void deliver();

private:
    struct Subscriber {
        Key key;
        Callback callback;
        std::uint64_t from = 0; ///< the number of the first event for it
        bool left = false;
    };

    [[nodiscard]] std::uint64_t first_locked() const NETVSC_REQUIRES(mutex_) {
        return next_ - kept_.size();
    }
    [[nodiscard]] auto find_locked(const Key &key) const NETVSC_REQUIRES(mutex_);
    /// Releases the mutex while a callback runs.
    void deliver_locked() NETVSC_REQUIRES(mutex_);

    const std::function<void()> wake_;
    const std::size_t capacity_;

    mutable Mutex mutex_;
    std::deque<Numbered> kept_ NETVSC_GUARDED_BY(mutex_);
    std::uint64_t next_ NETVSC_GUARDED_BY(mutex_) = 1;
    std::uint64_t undelivered_ NETVSC_GUARDED_BY(mutex_) = 1;
    std::vector<std::shared_ptr<Subscriber>> subscribers_ NETVSC_GUARDED_BY(mutex_);
    std::thread::id deliverer_ NETVSC_GUARDED_BY(mutex_); ///< the thread that runs deliver()
    /// The subscriber whose callback runs.
    const Subscriber *called_ NETVSC_GUARDED_BY(mutex_) = nullptr;
    std::condition_variable_any called_back_; ///< a callback has returned
};

using EventBus = BasicEventBus<Event>;

} // namespace netvsc
