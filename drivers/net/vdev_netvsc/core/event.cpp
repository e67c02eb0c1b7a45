// SPDX-License-Identifier: BSD-3-Clause
#include "core/event.hpp"

namespace netvsc {

std::string_view name_of(EventType type) {
    switch (type) {
    case EventType::port_added:
        return "port_added";
    case EventType::port_removed:
        return "port_removed";
    case EventType::vf_present:
        return "vf_present";
    case EventType::vf_attached:
        return "vf_attached";
    case EventType::vf_failed:
        return "vf_failed";
    case EventType::vf_removed:
        return "vf_removed";
    case EventType::link_up:
        return "link_up";
    case EventType::link_down:
        return "link_down";
    case EventType::lcore_alive:
        return "lcore_alive";
    case EventType::lcore_missing:
        return "lcore_missing";
    case EventType::lcore_dead:
        return "lcore_dead";
    case EventType::vf_unused:
        return "vf_unused";
    case EventType::vf_unused_end:
        return "vf_unused_end";
    }
    return "unknown";
}

} // namespace netvsc
