// SPDX-License-Identifier: BSD-3-Clause
#include "keepalive/lcore_state.hpp"

namespace netvsc {

std::string_view name_of(LcoreState state) {
    switch (state) {
    case LcoreState::unused:
        return "UNUSED";
    case LcoreState::alive:
        return "ALIVE";
    case LcoreState::dead:
        return "DEAD";
    case LcoreState::gone:
        return "GONE";
    case LcoreState::missing:
        return "MISSING";
    case LcoreState::dozing:
        return "DOZING";
    case LcoreState::sleep:
        return "SLEEP";
    }
    return "UNKNOWN";
}

} // namespace netvsc
