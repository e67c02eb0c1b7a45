// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/schedule.hpp"

#include <algorithm>
#include <strings.h>

namespace netvsc::scheduled {

void Schedule::update(std::vector<Event> events) {
    events_ = std::move(events);
    std::erase_if(begun_, [this](const auto &entry) { return !lists(entry.first.first); });
}

const Event *Schedule::holding(Time now) {
    const Event *found = nullptr;
    for (const Event &event : events_) {
        const auto begin = begin_of(event);
        if (!concerns(event) || (begin && now < *begin))
            continue;
        const Time begun = begun_.try_emplace({event.id, event.status}, now).first->second;
        if (found == nullptr && now - begun < policy_.longest)
            found = &event;
    }
    return found;
}

bool Schedule::lists(const std::string &id) const {
    return std::ranges::find(events_, id, &Event::id) != events_.end();
}

bool Schedule::concerns(const Event &event) const {
    // Azure's names of resources do not distinguish case.
    const auto is_this_machine = [this](const std::string &name) {
        return ::strcasecmp(name.c_str(), policy_.machine.c_str()) == 0;
    };
    return (event.type == "Freeze" || event.type == "Redeploy") &&
           (event.status == "Scheduled" || event.status == "Started") &&
           event.resource_type == "VirtualMachine" &&
           std::ranges::any_of(event.resources, is_this_machine);
}

std::optional<Time> Schedule::begin_of(const Event &event) const {
    if (event.status == "Started" || !event.not_before)
        return std::nullopt;
    return *event.not_before - policy_.before;
}

} // namespace netvsc::scheduled
