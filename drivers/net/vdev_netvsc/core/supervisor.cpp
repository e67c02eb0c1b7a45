// SPDX-License-Identifier: BSD-3-Clause
#include "core/supervisor.hpp"

#include <algorithm>
#include <net/if.h>
#include <utility>

namespace netvsc {
namespace {

bool differ_in_carrier(const Link &one, const Link &other) {
    return one.message.carrier != other.message.carrier ||
           ((one.message.flags ^ other.message.flags) & (IFF_UP | IFF_RUNNING)) != 0;
}

} // namespace

// ---- Netdevices.

Decision Supervisor::link(LinkMessage message, std::optional<DeviceFacts> facts) {
    Decision decision;
    if (leaving_.contains(message.ifindex))
        return decision;
    Link link{.message = std::move(message), .facts = {}};
    if (facts)
        link.facts = *facts;
    else if (const Link *known = table_.find(link.ifindex());
             known != nullptr && link.is_ethernet() && !link.message.software)
        link.facts = known->facts;
    const auto change = table_.put(std::move(link));
    if (change.before != nullptr && differ_in_carrier(*change.before, *change.after))
        refresh_links(*change.after, decision);
    if (!change.identity) {
        if (change.before != nullptr && !change.before->is_running() &&
            change.after->is_running() && change.after->may_be_vf())
            reconsider_vfs_of(*change.after, decision);
        return decision;
    }
    const Link &after = *change.after;
    const std::optional<Link> before =
        change.before != nullptr ? std::optional(*change.before) : std::nullopt;

    if (const auto attached = by_ifindex_.find(after.ifindex()); attached != by_ifindex_.end())
        follow_port(ports_.at(attached->second), after, decision);
    if (facts && after.may_be_vf()) // without facts it may be gone by now
        expel_predecessor(after, decision);
    if (before && before->may_be_vf())
        reconsider_vfs_of(*before, decision);
    if (after.may_be_vf())
        reconsider_vfs_of(after, decision);

    const bool appeared =
        !before || before->is_netvsc() != after.is_netvsc() || !safe_in_devargs(before->name());
    if (listing_ && appeared)
        undecided_.insert(after.ifindex());
    attach(after, appeared && !listing_, decision);
    return decision;
}

std::optional<PciAddress> Supervisor::may_be_leaving(const LinkMessage &message) const {
    if (listing_) // another netdevice may have the index by now
        return std::nullopt;
    const Link *known = table_.find(message.ifindex);
    const bool goes_down =
        known != nullptr && (known->message.flags & IFF_UP) != 0 && (message.flags & IFF_UP) == 0;
    return goes_down && known->may_be_vf() ? known->facts.pci : std::nullopt;
}

Decision Supervisor::link_leaving(int ifindex) {
    auto decision = link_gone(ifindex);
    leaving_.insert(ifindex);
    return decision;
}

Decision Supervisor::link_gone(int ifindex) {
    Decision decision;
    leaving_.erase(ifindex);
    const auto link = table_.remove(ifindex);
    if (!link)
        return decision;
    closed_.erase(ifindex);
    undecided_.erase(ifindex);
    without_address_.erase(ifindex);
    for (auto &[id, instance] : instances_)
        instance.passed_over.erase(ifindex);
    if (const auto attached = by_ifindex_.find(ifindex); attached != by_ifindex_.end())
        lose_netvsc(ports_.at(attached->second), decision);
    if (link->may_be_vf())
        reconsider_vfs_of(*link, decision);
    return decision;
}

Decision Supervisor::address(const AddressMessage &message, TimePoint now) {
    const int ifindex = message.address.ifindex;
    const bool was_routed = table_.is_routed(ifindex);
    const bool might_be_reached = table_.may_be_reached(ifindex);
    if (message.gone)
        table_.remove_address(message.address);
    else
        table_.put_address(message.address);
    if (table_.is_routed(ifindex))
        without_address_.erase(ifindex);
    else if (was_routed)
        note_address_loss(ifindex, now);
    Decision decision;
    if (might_be_reached != table_.may_be_reached(ifindex))
        reconsider_vfs_with(ifindex, decision); // vf_bind= takes only VFs without one
    return decision;
}

void Supervisor::begin_listing() {
    table_.begin_listing();
    listing_ = true;
    leaving_.clear(); // RTM_DELLINK may be lost, and the listing names all that is present
}

Decision Supervisor::end_listing(TimePoint now) {
    listing_ = false;
    Decision decision;
    std::vector<int> routed;
    for (const Link *link : table_.netvscs()) {
        if (table_.is_routed(link->ifindex()))
            routed.push_back(link->ifindex());
    }
    for (const int ifindex : table_.end_listing())
        decision.append(link_gone(ifindex));
    for (const int ifindex : routed) {
        if (!table_.is_routed(ifindex))
            note_address_loss(ifindex, now);
    }
    for (const int ifindex : std::exchange(undecided_, {})) {
        if (const Link *link = table_.find(ifindex))
            attach(*link, true, decision);
    }
    for (auto &[number, port] : ports_) {
        if (!port.vf.bind().empty())
            reconsider_vf(port, decision);
    }
    return decision;
}

PortNumber Supervisor::free_number(PortNumber from) const {
    while (ports_.contains(from))
        ++from;
    return from;
}

// ---- Time.

// A VF's deadlines wait until its port exists.
std::optional<TimePoint> Supervisor::vf_deadline(const Port &port) {
    return port.phase == PortPhase::active || port.phase == PortPhase::netvsc_gone
               ? port.vf.deadline()
               : std::nullopt;
}

std::optional<TimePoint> Supervisor::deadline() const {
    std::optional<TimePoint> first;
    const auto consider = [&](const std::optional<TimePoint> &time) {
        if (time && (!first || *time < *first))
            first = time;
    };
    for (const auto &[number, port] : ports_) {
        consider(port.next_creation);
        consider(vf_deadline(port));
        consider(port.unused_vf.deadline());
    }
    for (const auto &[ifindex, time] : without_address_)
        consider(time);
    return first;
}

Decision Supervisor::elapsed(TimePoint now) {
    Decision decision;
    for (auto &[number, port] : ports_) {
        if (port.next_creation && *port.next_creation <= now)
            create(port, decision);
        if (vf_deadline(port))
            port.vf.elapsed(now, decision);
    }
    for (auto &[number, port] : ports_)
        port.unused_vf.elapsed(now, number, decision);
    attach_without_address(now, decision);
    return decision;
}

Decision Supervisor::handle(const Outcome &outcome, TimePoint now) {
    return std::visit([&](const auto &one) { return handle_outcome(one, now); }, outcome);
}

// ---- The state.

Supervisor::Port *Supervisor::find(PortNumber number) {
    const auto found = ports_.find(number);
    return found == ports_.end() ? nullptr : &found->second;
}

std::vector<Supervisor::PortView> Supervisor::ports() const {
    std::vector<PortView> views;
    views.reserve(ports_.size());
    for (const auto &[number, port] : ports_)
        views.push_back(view_of(port));
    return views;
}

std::vector<Supervisor::PassedOver> Supervisor::passed_over() const {
    std::vector<PassedOver> all;
    for (const Link *link : table_.netvscs()) {
        const auto address = table_.first_address(link->ifindex());
        const bool wanted = std::ranges::any_of(instances_, [&](const auto &entry) {
            return claims_without_name(entry.first, entry.second, *link);
        });
        if (address && wanted && !by_ifindex_.contains(link->ifindex()))
            all.push_back({.ifindex = link->ifindex(),
                           .netdevice = link->name(),
                           .mac = link->message.mac,
                           .address = *address});
    }
    return all;
}

std::optional<Supervisor::PortView> Supervisor::port(PortNumber number) const {
    const auto found = ports_.find(number);
    return found == ports_.end() ? std::nullopt : std::optional(view_of(found->second));
}

Supervisor::PortView Supervisor::view_of(const Port &port) const {
    const auto &vf = port.vf.vf();
    const auto instance = instances_.find(port.instance);
    const Link *netvsc = table_.find(port.ifindex);
    return {.number = port.number,
            .instance = instance != instances_.end() ? instance->second.name : "",
            .ifindex = port.ifindex,
            .netdevice = port.netdevice,
            .mac = netvsc != nullptr ? netvsc->message.mac : std::nullopt,
            .vf = vf ? std::optional(vf->id.pci) : std::nullopt,
            .vf_state = port.vf.state(),
            .vf_held = port.vf_held,
            .vf_unused = port.unused_vf.reason(),
            .vf_unused_since = port.unused_vf.since()};
}

} // namespace netvsc
