// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace netvsc {

/// Numbers what happens, keeps the last of it, and tells those who have subscribed.
///
/// Any thread may publish, whatever locks it holds: subscribers are not called there, but by
/// deliver(), in a thread that holds none. Its own mutex is a leaf.
class EventBus {
public:
    static constexpr std::size_t default_capacity = 1024;

    /// @param wake      called by publish(), without a lock, when there is something to deliver:
    ///                  sees to it that deliver() is called soon
    /// @param capacity  how many events are kept
    explicit EventBus(std::function<void()> wake, std::size_t capacity = default_capacity);

    /// @return its sequence number
    std::uint64_t publish(Event event, std::chrono::steady_clock::time_point now);

    // ---- What has happened.

    struct History {
        std::uint64_t first = 1; ///< the oldest that is kept
        std::uint64_t next = 1;  ///< the number the next one will have
        std::vector<NumberedEvent> events;
    };
    /// The events kept from number @p since on. One who asks for a number below `first` has missed
    /// some.
    [[nodiscard]] History since(std::uint64_t sequence) const;

    // ---- Who is told.

    /// Tells subscribers apart: a function of the application's and what it wants handed to it.
    struct Key {
        std::uintptr_t function = 0;
        const void *user = nullptr;
        bool operator==(const Key &) const = default;
    };
    /// Must not throw.
    using Callback = std::function<void(const NumberedEvent &)>;

    /// From the next event on. @return false if @p key has subscribed already
    [[nodiscard]] bool subscribe(const Key &key, Callback callback);
    /// Once this has returned the callback is not running and will not be called, but for the call
    /// from within which it was done. Waits for a call that runs in another thread, so that one
    /// must not wait for the caller. @return false if @p key has not subscribed
    [[nodiscard]] bool unsubscribe(const Key &key);

    /// Calls the subscribers for what has been published up to now. A subscriber for which events
    /// came faster than they are kept sees it by the numbers. Called by one thread at a time; from
    /// within a callback it does nothing.
    void deliver();

private:
    struct Subscriber {
        Key key;
        Callback callback;
        std::uint64_t from = 0; ///< the first event it is told of
        bool left = false;
    };

    [[nodiscard]] std::uint64_t first() const { return next_ - kept_.size(); }
    [[nodiscard]] auto find(const Key &key) const;

    const std::function<void()> wake_;
    const std::size_t capacity_;

    mutable std::mutex mutex_;
    std::deque<NumberedEvent> kept_;
    std::uint64_t next_ = 1;
    std::uint64_t undelivered_ = 1;
    std::vector<std::shared_ptr<Subscriber>> subscribers_;
    std::thread::id deliverer_;           ///< of the delivery under way
    const Subscriber *called_ = nullptr;  ///< the one whose callback runs
    std::condition_variable called_back_; ///< it runs no longer
};

} // namespace netvsc
