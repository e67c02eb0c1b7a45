// SPDX-License-Identifier: BSD-3-Clause
#include "core/lcore_watch.hpp"

#include <set>

namespace netvsc {
namespace {

LcoreState after_a_period_without(LcoreState state) {
    switch (state) {
    case LcoreState::alive:
        return LcoreState::missing;
    case LcoreState::missing:
        return LcoreState::dead;
    case LcoreState::dead:
        return LcoreState::gone;
    case LcoreState::unused:
    case LcoreState::gone:
    case LcoreState::dozing:
    case LcoreState::sleep:
        return state;
    }
    return state;
}

} // namespace

std::vector<LcoreChange> LcoreWatch::period_over(std::span<const QueuePolls> queues,
                                                 const std::function<bool(unsigned)> &idle,
                                                 const Moment &now) {
    std::map<QueueId, unsigned> pollers;
    std::set<unsigned> polled;
    std::set<unsigned> expected;
    for (const QueuePolls &polls : queues) {
        const QueueId id{polls.port, polls.queue};
        const auto before = pollers_.find(id);
        if (polls.lcore) {
            polled.insert(*polls.lcore);
            lcores_[*polls.lcore].port = polls.port;
        }
        const auto poller = polls.lcore                ? polls.lcore
                            : before != pollers_.end() ? std::optional(before->second)
                                                       : std::nullopt;
        // An lcore whose function has ended polls its queues no more.
        if (poller && !idle(*poller)) {
            pollers[id] = *poller;
            expected.insert(*poller);
        }
    }
    pollers_ = std::move(pollers);

    std::vector<LcoreChange> changes;
    for (auto &[number, lcore] : lcores_) {
        const LcoreState from = lcore.state;
        if (polled.contains(number))
            lcore.last_seen = now;
        if (!expected.contains(number))
            lcore.state = LcoreState::unused;
        else if (polled.contains(number))
            lcore.state = LcoreState::alive;
        else
            lcore.state = after_a_period_without(from);
        if (lcore.state == LcoreState::dead && from != LcoreState::dead)
            ++lcore.deaths;
        if (lcore.state != from)
            changes.push_back(
                {.lcore = number, .port = lcore.port, .from = from, .to = lcore.state});
    }
    return changes;
}

std::vector<LcoreWatch::QueueId> LcoreWatch::queues_of(unsigned lcore) const {
    std::vector<QueueId> queues;
    for (const auto &[queue, poller] : pollers_) {
        if (poller == lcore)
            queues.push_back(queue);
    }
    return queues;
}

} // namespace netvsc
