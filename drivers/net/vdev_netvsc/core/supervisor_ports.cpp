// SPDX-License-Identifier: BSD-3-Clause
//
// The life of a NetVSC's port.

#include "core/supervisor.hpp"

#include <net/if.h>
#include <system_error>
#include <utility>

namespace netvsc {
namespace {

using Level = Message::Level;

std::string errno_text(int error) { return std::generic_category().message(error); }

} // namespace

void Supervisor::create(Port &port, Decision &decision) {
    port.phase = PortPhase::creating;
    port.next_creation.reset();
    auto vf = choose_vf(port, decision);
    if (vf != port.vf.vf())
        release_vf(port, decision); // it was prepared for a number that was in use
    port.vf.begin(vf);
    decision.add(CreatePort{.number = port.number,
                            .netdevice = port.netdevice,
                            .ifindex = port.ifindex,
                            .mac = view_of(port).mac,
                            .fallback = port.fallback,
                            .hotplug_poll = port.hotplug_poll,
                            .vf = std::move(vf),
                            .bind = port.vf.bind()});
}

// The netdevice of a port has changed its name, address or device.
void Supervisor::follow_port(Port &port, const Link &link, Decision &decision) {
    const auto instance = instances_.find(port.instance);
    if (!link.is_ethernet() ||
        (!link.is_netvsc() && instance != instances_.end() && !instance->second.arguments.force)) {
        // The index has passed to another netdevice while notifications were lost.
        lose_netvsc(port, decision);
        return;
    }
    if (port.netdevice != link.name()) {
        decision.log(Level::info, port_name(port.number) + ": netdevice " + port.netdevice +
                                      " is now " + printable(link.name()));
        port.netdevice = link.name();
    }
    if (port.phase == PortPhase::retrying && !safe_in_devargs(port.netdevice)) {
        give_up(port, decision);
        return;
    }
    reconsider_vf(port, decision);
}

// For the ports over a netdevice whose carrier has changed, and those that have it as their VF.
void Supervisor::refresh_links(const Link &changed, Decision &decision) const {
    if (const auto port = by_ifindex_.find(changed.ifindex());
        port != by_ifindex_.end() && ports_.at(port->second).phase == PortPhase::active)
        decision.add(RefreshLink{.number = port->second});
    if (!changed.may_be_vf())
        return;
    for (const auto &[number, port] : ports_) {
        if (port.phase == PortPhase::active && port.vf.is(id_of(changed)))
            decision.add(RefreshLink{.number = number});
    }
}

void Supervisor::lose_netvsc(Port &port, Decision &decision) {
    by_ifindex_.erase(port.ifindex);
    port.ifindex = 0;
    switch (port.phase) {
    case PortPhase::retrying:
        ports_.erase(port.number);
        return;
    case PortPhase::active:
        port.vf.dismiss(decision);
        port.phase = PortPhase::netvsc_gone;
        decision.log(Level::notice, port_name(port.number) + ": netdevice " +
                                        printable(port.netdevice) + " removed");
        decision.add(RaisePortEvent{.number = port.number, .event = PortEvent::removal});
        return;
    case PortPhase::creating: // reported, and the VF withdrawn, once the port exists
    case PortPhase::netvsc_gone:
    case PortPhase::closing:
        return;
    }
}

// The port could not be created yet, and its netdevice has a new name that is not safe in device
// arguments. If the netdevice is renamed again, the driver attaches to it again.
void Supervisor::give_up(Port &port, Decision &decision) {
    decision.log(Level::error,
                 port_name(port.number) + " not created: " + unsafe_in_devargs(port.netdevice));
    const int ifindex = port.ifindex;
    by_ifindex_.erase(ifindex);
    ports_.erase(port.number);
    reconsider_vfs_with(ifindex, decision);
}

Decision Supervisor::handle_outcome(const PortCreated &outcome, TimePoint /*now*/) {
    const PortNumber number = outcome.number;
    Decision decision;
    Port *port = find(number);
    if (port == nullptr)
        return decision;
    if (port->phase == PortPhase::closing) {
        decision.add(DestroyPort{.number = number});
        return decision;
    }
    port->phase = PortPhase::active;
    decision.log(Level::notice,
                 port_name(number) + " attached to netdevice " + printable(port->netdevice));
    decision.report(EventType::port_added, number);
    port->vf.introduce(decision);
    if (port->ifindex == 0) {
        port->vf.dismiss(decision);
        port->phase = PortPhase::netvsc_gone;
        decision.add(RaisePortEvent{.number = number, .event = PortEvent::removal});
    } else {
        reconsider_vf(*port, decision);
    }
    return decision;
}

Decision Supervisor::handle_outcome(const PortFailed &outcome, TimePoint now) {
    const auto [number, error] = outcome;
    Decision decision;
    Port *port = find(number);
    if (port == nullptr)
        return decision;
    const bool wanted = port->phase != PortPhase::closing && port->ifindex != 0;
    if (wanted && error == EEXIST && safe_in_devargs(port->netdevice)) {
        // Another device has the name, or a port that the application closed but did not detach.
        auto node = ports_.extract(number);
        node.key() = free_number(number + 1);
        node.mapped().number = node.key();
        node.mapped().vf.set_port(node.key());
        by_ifindex_[node.mapped().ifindex] = node.key();
        create(ports_.insert(std::move(node)).position->second, decision);
        return decision;
    }
    release_vf(*port, decision); // it may be probed for this port
    if (!wanted) {
        ports_.erase(number);
        return decision;
    }
    if (!safe_in_devargs(port->netdevice)) {
        give_up(*port, decision);
        return decision;
    }
    const auto delay = port->creation_backoff.next();
    port->phase = PortPhase::retrying;
    port->next_creation = now + delay.length;
    if (delay.grew)
        decision.log(Level::error, port_name(number) + " over " + printable(port->netdevice) +
                                       " not created: " + errno_text(error) + "; retrying in " +
                                       std::to_string(delay.length.count()) + " ms");
    return decision;
}

Decision Supervisor::port_gone(PortNumber number) {
    Decision decision;
    Port *port = find(number);
    if (port == nullptr)
        return decision;
    if (port->ifindex != 0) {
        by_ifindex_.erase(port->ifindex);
        closed_[port->ifindex].insert(port->instance);
    }
    release_vf(*port, decision);
    const int ifindex = port->ifindex;
    ports_.erase(number);
    reconsider_vfs_with(ifindex, decision);
    return decision;
}

} // namespace netvsc
