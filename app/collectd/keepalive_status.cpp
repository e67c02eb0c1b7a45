// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/keepalive_status.hpp"

#include <algorithm>
#include <utility>

namespace netvsc::collectd {
namespace {

Severity severity_of(LcoreState state) {
    switch (state) {
    case LcoreState::unused:
    case LcoreState::alive:
    case LcoreState::dozing:
    case LcoreState::sleep:
        return Severity::okay;
    case LcoreState::missing:
        return Severity::warning;
    case LcoreState::dead:
    case LcoreState::gone:
        break;
    }
    return Severity::failure; // also for values that are no state
}

} // namespace

void KeepaliveStatus::polled(const KeepaliveSnapshot &snapshot, Report &report) {
    const std::size_t lcores = std::min(snapshot.states.size(), config_.lcores.size());
    if (!std::exchange(width_checked_, true) && width(config_.lcores) > lcores)
        report.messages.push_back({.level = Level::warning,
                                   .text = "Event keep_alive: LCoreMask includes lcore " +
                                           std::to_string(width(config_.lcores) - 1) +
                                           ", but the area has " + std::to_string(lcores) +
                                           " lcores: higher numbers are not watched"});
    for (unsigned lcore = 0; lcore < lcores; ++lcore) {
        if (!config_.lcores.test(lcore))
            continue;
        const LcoreState state = snapshot.states[lcore];
        if (config_.notify) {
            notify(lcore, state, {}, report);
            continue;
        }
        const auto [entry, first] = reported_.try_emplace(lcore, state);
        if (std::exchange(entry->second, state) != state || first || !config_.only_changes)
            report.values.push_back({.plugin_instance = "keepalive",
                                     .type_instance = "lcore" + std::to_string(lcore),
                                     .value = static_cast<double>(std::to_underlying(state))});
    }
}

void KeepaliveStatus::happened(unsigned lcore, LcoreState state, std::chrono::nanoseconds age,
                               Report &report) {
    if (config_.notify && lcore < config_.lcores.size() && config_.lcores.test(lcore))
        notify(lcore, state, age, report);
}

void KeepaliveStatus::notify(unsigned lcore, LcoreState state, std::chrono::nanoseconds age,
                             Report &report) {
    const auto [entry, first] = reported_.try_emplace(lcore, state);
    if (std::exchange(entry->second, state) == state && !first && config_.only_changes)
        return;
    report.notifications.push_back({.severity = severity_of(state),
                                    .message = "lcore " + std::to_string(lcore) +
                                               " Keep Alive Status: " + std::string(name_of(state)),
                                    .plugin_instance = "keepalive",
                                    .age = age});
}

void KeepaliveStatus::forget() {
    reported_.clear();
    width_checked_ = false;
}

bool AreaActivity::left_over(const KeepaliveSnapshot &snapshot, Time now) {
    if (snapshot.last_seen != last_seen_) {
        last_seen_ = snapshot.last_seen;
        moved_ = now;
    }
    // An lcore that is dead or asleep is not expected to be seen.
    return now - moved_ >= limit &&
           std::ranges::find(snapshot.states, LcoreState::alive) != snapshot.states.end();
}

} // namespace netvsc::collectd
