// SPDX-License-Identifier: BSD-3-Clause
#include "core/queue_events.hpp"

#include <algorithm>

namespace netvsc {

void QueueEvents::add(const QueueEvent &event) {
    std::erase_if(unread_, [&](const QueueEvent &unread) {
        return unread.port == event.port && unread.queue == event.queue;
    });
    unread_.push_back(event);
}

std::optional<QueueEvent> QueueEvents::next(std::uint16_t port) {
    const auto first = std::ranges::find(unread_, port, &QueueEvent::port);
    if (first == unread_.end())
        return std::nullopt;
    const QueueEvent event = *first;
    unread_.erase(first);
    return event;
}

void QueueEvents::forget(std::uint16_t port) {
    std::erase_if(unread_, [port](const QueueEvent &unread) { return unread.port == port; });
}

} // namespace netvsc
