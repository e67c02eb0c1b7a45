// SPDX-License-Identifier: BSD-3-Clause
#include "core/port_record.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace netvsc {

void LatencyHistogram::add(std::chrono::nanoseconds length) {
    last_ = std::chrono::duration_cast<std::chrono::microseconds>(length);
    longest_ = std::max(longest_, last_);
    const auto bound = std::ranges::find_if(
        bounds_ms, [&](unsigned ms) { return length <= std::chrono::milliseconds(ms); });
    ++counts_.at(static_cast<std::size_t>(bound - bounds_ms.begin()));
}

LatencyHistogram::Counts LatencyHistogram::cumulative() const {
    Counts sums{};
    std::partial_sum(counts_.begin(), counts_.end(), sums.begin());
    return sums;
}

void PortRecord::count(EventType type, TimePoint now) {
    switch (type) {
    case EventType::vf_present:
        ++plug_ins;
        leaving.reset();
        last_vf_change = now;
        break;
    case EventType::vf_removed:
        ++removals;
        arriving.reset();
        last_vf_change = now;
        break;
    case EventType::vf_attached:
        if (const auto since = std::exchange(arriving, std::nullopt))
            attachments.add(now - *since);
        last_vf_change = now;
        break;
    case EventType::vf_failed:
        last_vf_change = now;
        break;
    case EventType::link_up:
    case EventType::link_down:
        link_up = type == EventType::link_up;
        last_link_change = now;
        break;
    case EventType::port_added:
    case EventType::port_removed:
    case EventType::lcore_alive:
    case EventType::lcore_missing:
    case EventType::lcore_dead:
    case EventType::vf_unused:
    case EventType::vf_unused_end:
        break;
    }
}

void PortRecord::announced(TimePoint now) {
    if (const auto since = std::exchange(noticed, std::nullopt)) {
        announcements.add(now - *since);
        arriving = since;
    }
}

void PortRecord::detached(TimePoint now) {
    if (const auto since = std::exchange(leaving, std::nullopt))
        detachments.add(now - *since);
}

} // namespace netvsc
