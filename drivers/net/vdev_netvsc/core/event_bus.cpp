// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_bus.hpp"

#include "core/kernel_event.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {

template <typename Subject>
BasicEventBus<Subject>::BasicEventBus(std::function<void()> wake, std::size_t capacity)
    : wake_(std::move(wake)), capacity_(capacity) {}

template <typename Subject>
std::uint64_t BasicEventBus<Subject>::publish(Subject event,
                                              std::chrono::steady_clock::time_point now) {
    std::uint64_t sequence = 0;
    {
        const MutexLock lock(mutex_);
        kept_.push_back({.sequence = next_, .time = now, .event = std::move(event)});
        sequence = next_++;
        if (kept_.size() > capacity_)
            kept_.pop_front();
        if (subscribers_.empty())
            return sequence;
    }
    wake_();
    return sequence;
}

template <typename Subject>
BasicEventBus<Subject>::History BasicEventBus<Subject>::since(std::uint64_t sequence) const {
    const MutexLock lock(mutex_);
    History history{.first = first_locked(), .next = next_, .events = {}};
    for (auto from = std::max(sequence, history.first); from < next_; ++from)
        history.events.push_back(kept_[from - history.first]);
    return history;
}

template <typename Subject> auto BasicEventBus<Subject>::find_locked(const Key &key) const {
    return std::ranges::find(subscribers_, key,
                             [](const auto &subscriber) { return subscriber->key; });
}

template <typename Subject>
bool BasicEventBus<Subject>::subscribe(const Key &key, Callback callback) {
    const MutexLock lock(mutex_);
    if (find_locked(key) != subscribers_.end())
        return false;
    subscribers_.push_back(std::make_shared<Subscriber>(
        Subscriber{.key = key, .callback = std::move(callback), .from = next_}));
    return true;
}

template <typename Subject> bool BasicEventBus<Subject>::has_subscribers() const {
    const MutexLock lock(mutex_);
    return !subscribers_.empty();
}

template <typename Subject> bool BasicEventBus<Subject>::unsubscribe(const Key &key) {
    MutexLock lock(mutex_);
    const auto found = find_locked(key);
    if (found == subscribers_.end())
        return false;
    // The erase below invalidates `found`.
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const std::shared_ptr<Subscriber> subscriber = *found;
    subscriber->left = true;
    subscribers_.erase(found);
    if (deliverer_ != std::this_thread::get_id()) {
        while (called_ == subscriber.get())
            called_back_.wait(lock);
    }
    return true;
}

template <typename Subject> void BasicEventBus<Subject>::deliver() {
    const MutexLock lock(mutex_);
    if (deliverer_ != std::thread::id{})
        return;
    deliverer_ = std::this_thread::get_id();
    try {
        deliver_locked();
    } catch (...) { // out of memory: the next delivery continues
        deliverer_ = {};
        throw;
    }
    deliverer_ = {};
}

template <typename Subject> void BasicEventBus<Subject>::deliver_locked() {
    // Leaves events that the callbacks publish to the next delivery: a subscriber that publishes an
    // event for each event would block the thread.
    for (const auto end = next_; undelivered_ < end;) {
        undelivered_ = std::max(undelivered_, first_locked());
        if (undelivered_ >= end)
            break;
        const Numbered event = kept_[undelivered_++ - first_locked()];
        // A copy, because callbacks subscribe and unsubscribe.
        const auto subscribers = subscribers_;
        for (const auto &subscriber : subscribers) {
            if (subscriber->left || event.sequence < subscriber->from)
                continue;
            called_ = subscriber.get();
            mutex_.unlock();
            subscriber->callback(event);
            mutex_.lock();
            called_ = nullptr;
            called_back_.notify_all();
        }
    }
}

template class BasicEventBus<Event>;
template class BasicEventBus<KernelEvent>;

} // namespace netvsc
