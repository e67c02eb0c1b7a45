// SPDX-License-Identifier: BSD-3-Clause
#include "l2fwd-keepalive/monitor.hpp"

#include <iostream>

namespace netvsc {
namespace {

// rte_keepalive (22.11) relays the state after the ping: an ALIVE lcore becomes MISSING until its
// next mark. So each relayed state is one step ahead. Readers need the state at the ping.
LcoreState at_ping(rte_keepalive_state relayed, bool died) {
    switch (relayed) {
    case RTE_KA_STATE_MISSING:
        return LcoreState::alive;
    case RTE_KA_STATE_DEAD:
        return LcoreState::missing;
    case RTE_KA_STATE_GONE:
        return died ? LcoreState::dead : LcoreState::gone;
    case RTE_KA_STATE_UNUSED:
    case RTE_KA_STATE_ALIVE:
    case RTE_KA_STATE_DOZING:
    case RTE_KA_STATE_SLEEP:
        break;
    }
    return static_cast<LcoreState>(relayed);
}

} // namespace

std::expected<std::unique_ptr<Monitor>, std::string>
Monitor::start(const std::string &shm, std::function<void(unsigned lcore)> dead) {
    std::unique_ptr<Monitor> monitor(new Monitor(std::move(dead)));
    monitor->keepalive_.reset(rte_keepalive_create(on_death, monitor.get()));
    if (!monitor->keepalive_)
        return std::unexpected("rte_keepalive_create failed");
    rte_keepalive_register_relay_callback(monitor->keepalive_.get(), on_state, monitor.get());
    auto area = KeepaliveArea::create({.name = shm, .lcores = RTE_KEEPALIVE_MAXCORES});
    if (area)
        monitor->area_.emplace(std::move(*area));
    else
        std::cerr << "l2fwd-keepalive: other programs cannot read lcores' states: "
                  << area.error().message() << '\n';
    return monitor;
}

void Monitor::watch(unsigned lcore) {
    rte_keepalive_register_core(keepalive_.get(), static_cast<int>(lcore));
}

void Monitor::ping() { rte_keepalive_dispatch_pings(nullptr, keepalive_.get()); }

void Monitor::on_death(void *self, int lcore) {
    auto &monitor = *static_cast<Monitor *>(self);
    monitor.died_ = lcore;
    monitor.dead_(static_cast<unsigned>(lcore));
}

void Monitor::on_state(void *self, int lcore, rte_keepalive_state state, std::uint64_t last_seen) {
    auto &monitor = *static_cast<Monitor *>(self);
    const bool died = monitor.died_ == lcore;
    monitor.died_ = -1;
    if (!monitor.area_)
        return;
    monitor.area_->set(static_cast<unsigned>(lcore), at_ping(state, died), last_seen);
    if (died)
        monitor.area_->post_death();
}

} // namespace netvsc
