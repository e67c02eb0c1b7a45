// SPDX-License-Identifier: BSD-3-Clause
#include "ka-agent/report.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>

namespace netvsc {

std::vector<unsigned> dead_lcores(const KeepaliveSnapshot &snapshot) {
    std::vector<unsigned> dead;
    for (unsigned lcore = 0; lcore < snapshot.states.size(); ++lcore) {
        const LcoreState state = snapshot.states[lcore];
        if (state == LcoreState::dead || state == LcoreState::gone)
            dead.push_back(lcore);
    }
    return dead;
}

std::string as_text(const KeepaliveSnapshot &snapshot) {
    const auto dead = dead_lcores(snapshot);
    std::string text = std::to_string(dead.size()) + " dead cores";
    const char *before = ": ";
    for (const unsigned lcore : dead) {
        text += before + std::to_string(lcore);
        before = ", ";
    }
    return text;
}

std::string as_json(const KeepaliveSnapshot &snapshot) {
    auto lcores = nlohmann::json::object();
    for (std::size_t lcore = 0; lcore < snapshot.states.size(); ++lcore) {
        if (snapshot.states[lcore] != LcoreState::unused)
            lcores[std::to_string(lcore)] = {{"state", name_of(snapshot.states[lcore])},
                                             {"last_seen_tsc", snapshot.last_seen[lcore]}};
    }
    return nlohmann::json{{"dead", dead_lcores(snapshot)}, {"lcores", std::move(lcores)}}.dump();
}

} // namespace netvsc
