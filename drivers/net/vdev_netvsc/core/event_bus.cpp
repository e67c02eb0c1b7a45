// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_bus.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {
namespace {

/// Gives a variable its initial value again.
template <typename T> class Reset {
public:
    explicit Reset(T &variable) : variable_(variable) {}
    Reset(const Reset &) = delete;
    Reset &operator=(const Reset &) = delete;
    ~Reset() { variable_ = {}; }

private:
    T &variable_;
};

} // namespace

EventBus::EventBus(std::function<void()> wake, std::size_t capacity)
    : wake_(std::move(wake)), capacity_(capacity) {}

std::uint64_t EventBus::publish(Event event, std::chrono::steady_clock::time_point now) {
    std::uint64_t sequence = 0;
    {
        const std::lock_guard lock(mutex_);
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

EventBus::History EventBus::since(std::uint64_t sequence) const {
    const std::lock_guard lock(mutex_);
    History history{.first = first(), .next = next_, .events = {}};
    for (auto from = std::max(sequence, history.first); from < next_; ++from)
        history.events.push_back(kept_[from - history.first]);
    return history;
}

auto EventBus::find(const Key &key) const {
    return std::ranges::find(subscribers_, key,
                             [](const auto &subscriber) { return subscriber->key; });
}

bool EventBus::subscribe(const Key &key, Callback callback) {
    const std::lock_guard lock(mutex_);
    if (find(key) != subscribers_.end())
        return false;
    subscribers_.push_back(std::make_shared<Subscriber>(
        Subscriber{.key = key, .callback = std::move(callback), .from = next_}));
    return true;
}

bool EventBus::unsubscribe(const Key &key) {
    std::unique_lock lock(mutex_);
    const auto found = find(key);
    if (found == subscribers_.end())
        return false;
    // What found is at is erased. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const std::shared_ptr<Subscriber> subscriber = *found;
    subscriber->left = true;
    subscribers_.erase(found);
    if (deliverer_ != std::this_thread::get_id())
        called_back_.wait(lock, [&] { return called_ != subscriber.get(); });
    return true;
}

void EventBus::deliver() {
    std::unique_lock lock(mutex_);
    if (deliverer_ != std::thread::id{})
        return;
    deliverer_ = std::this_thread::get_id();
    const Reset over(deliverer_); // should memory run out, too
    // What callbacks themselves bring about is left to the next delivery: else one whose events
    // never end would keep the thread.
    for (const auto end = next_; undelivered_ < end;) {
        undelivered_ = std::max(undelivered_, first());
        if (undelivered_ >= end)
            break;
        const NumberedEvent event = kept_[undelivered_++ - first()];
        // Callbacks subscribe and unsubscribe.
        const auto subscribers = subscribers_;
        for (const auto &subscriber : subscribers) {
            if (subscriber->left || event.sequence < subscriber->from)
                continue;
            called_ = subscriber.get();
            lock.unlock();
            subscriber->callback(event);
            lock.lock();
            called_ = nullptr;
            called_back_.notify_all();
        }
    }
}

} // namespace netvsc
