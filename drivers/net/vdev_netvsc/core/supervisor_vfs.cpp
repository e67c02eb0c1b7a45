// SPDX-License-Identifier: BSD-3-Clause
//
// Which port has which VF, and what happens to VFs.

#include "core/supervisor.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace netvsc {
namespace {

using Level = Message::Level;

// hv_netvsc has joined the VF's netdevice (IFF_SLAVE). It sets the netdevice up 100 ms later
// (netvsc_vf_setup() in netvsc_drv.c), and some NICs get their carrier later still. Until then
// hv_netvsc sends by NetVSC, and fail-safe would send by a VF that cannot.
//
// If the host has not associated a VF that is set up, the kernel waits for that under its rtnl
// lock, and a probe at the same time would wait with it.
//
// A VF that is bound to another driver has no netdevice to wait for.
bool runs_soon(const Link &netvsc, const Link &vf) {
    return netvsc.is_up() && (vf.message.flags & IFF_SLAVE) != 0 && !vf.is_running();
}

} // namespace

// The VF ends with its port. No other port may take it until that is done.
void Supervisor::release_vf(Port &port, Decision &decision) {
    const auto vf = port.vf.release();
    if (!vf)
        return;
    releasing_.insert(vf->vf);
    port.vf.begin(std::nullopt);
    decision.add(ReleaseVf{*vf});
}

Decision Supervisor::handle_outcome(const VfReleased &outcome, TimePoint /*now*/) {
    releasing_.erase(outcome.vf);
    Decision decision;
    offer_vfs(decision);
    return decision;
}

// The netdevices that may be the port's VF.
std::vector<const Link *> Supervisor::vf_candidates(const Port &port) const {
    std::vector<const Link *> candidates;
    const Link *netvsc = table_.find(port.ifindex);
    if (netvsc == nullptr)
        return candidates;
    for (const auto &mac : {netvsc->message.mac, netvsc->message.permanent_mac}) {
        if (!mac)
            continue;
        for (const Link *link : table_.with_mac(*mac)) {
            if (link->may_be_vf() && !by_ifindex_.contains(link->ifindex()) &&
                !held_by_another(port, *link))
                candidates.push_back(link);
        }
    }
    return candidates;
}

// Why a candidate does not become the port's VF; VfUnused::no if it can.
VfUnused Supervisor::obstacle_of(const Port &port, const Link &vf) const {
    if (!port.vf.bind().empty())
        return table_.may_be_reached(vf.ifindex()) ? VfUnused::has_address : VfUnused::no;
    return runs_soon(*table_.find(port.ifindex), vf) ? VfUnused::no_carrier : VfUnused::no;
}

UnusedVf::Cause Supervisor::why_unused(const Port &port) const {
    if (port.phase != PortPhase::active)
        return {};
    if (const auto &vf = port.vf.vf())
        return {.reason = port.vf.why_unused(), .vf = vf->id.pci};
    for (const Link *link : vf_candidates(port)) {
        const VfUnused reason = port.vf_held ? VfUnused::held : obstacle_of(port, *link);
        if (reason != VfUnused::no)
            return {.reason = reason, .vf = link->facts.pci};
    }
    return {};
}

void Supervisor::note_unused_vfs(TimePoint now) {
    for (auto &[number, port] : ports_)
        port.unused_vf.observe(why_unused(port), now);
}

std::optional<Vf> Supervisor::choose_vf(Port &port, Decision &decision) {
    if (port.vf_held)
        return std::nullopt;
    const Link *chosen = nullptr;
    for (const Link *link : vf_candidates(port)) {
        const VfUnused obstacle = obstacle_of(port, *link);
        if (obstacle == VfUnused::has_address) {
            if (port.refused_vf != link->ifindex())
                decision.log(Level::error,
                             port_name(port.number) + ": VF " + printable(link->name()) +
                                 " has an IP address, which may be in use; it stays on its "
                                 "kernel driver until the address is removed");
            port.refused_vf = link->ifindex();
            continue;
        }
        // The VF in use stays while it is present. Otherwise the first one seen.
        const auto &current = port.vf.vf();
        if (current && current->ifindex == link->ifindex() && current->id == id_of(*link)) {
            chosen = link;
            break;
        }
        if (obstacle == VfUnused::no_carrier)
            continue;
        // A listing names the addresses last. Only then the driver knows whether the VF has one.
        if (listing_ && !port.vf.bind().empty())
            continue;
        if (chosen == nullptr)
            chosen = link;
    }
    if (chosen == nullptr)
        return std::nullopt;
    Vf vf{.ifindex = chosen->ifindex(), .id = id_of(*chosen), .devargs = {}};
    vf.devargs = vf.id.pci.to_string();
    for (const MacAddress &mac : macs_below(*chosen))
        vf.devargs += ",mac=" + mac.to_string();
    if (!port.vf_args.empty())
        vf.devargs += "," + port.vf_args;
    return vf;
}

void Supervisor::reconsider_vf(Port &port, Decision &decision) {
    if (port.phase != PortPhase::active) // a port under creation is reconsidered later
        return;
    const auto vf = choose_vf(port, decision);
    // While the VF is being bound, the last message of its netdevice may show that the VF belongs
    // to another port.
    if (const auto &current = port.vf.vf(); current && current != vf) {
        const Link *link = table_.find(current->ifindex);
        if (port.vf_held || (link != nullptr && link->facts.pci == current->id.pci))
            port.vf.dismiss(decision);
    }
    port.vf.want(vf, decision);
}

Decision Supervisor::hold_vf(PortNumber number, bool hold) {
    Decision decision;
    Port *port = find(number);
    if (port == nullptr || port->vf_held == hold)
        return decision;
    port->vf_held = hold;
    decision.log(Level::notice, port_name(number) + (hold ? ": VF held; the fallback carries the "
                                                            "traffic until it is released"
                                                          : ": VF released from its hold"));
    reconsider_vf(*port, decision);
    return decision;
}

// The mac= arguments for MANA's PMD: the VF's address, and those of the other VFs of its function
// that the driver's ports have or will have. DPDK probes a function only once.
std::vector<MacAddress> Supervisor::macs_below(const Link &vf) const {
    std::vector<MacAddress> macs;
    const auto add = [&](const Link &link) {
        const auto id = id_of(link);
        if (id.mac && std::ranges::find(macs, *id.mac) == macs.end())
            macs.push_back(*id.mac);
    };
    add(vf);
    for (const auto &[ifindex, number] : std::map(by_ifindex_.begin(), by_ifindex_.end())) {
        const Link *netvsc = table_.find(ifindex);
        if (netvsc == nullptr || !netvsc->message.mac || macs.empty())
            continue;
        for (const Link *link : table_.with_mac(*netvsc->message.mac)) {
            if (link->may_be_vf() && link->facts.pci == vf.facts.pci)
                add(*link);
        }
    }
    return macs;
}

// Another port has the VF, even if it is about to release it, or the VF's release is under way.
// The port must wait for that.
bool Supervisor::held_by_another(const Port &port, const Link &link) const {
    const VfId id = id_of(link);
    return releasing_.contains(id) || std::ranges::any_of(ports_, [&](const auto &entry) {
               return &entry.second != &port && entry.second.vf.is(id);
           });
}

// A bound VF has no netdevice. If its PCI address has one, another device has the address by now,
// or somebody has restored the kernel driver.
void Supervisor::expel_predecessor(const Link &link, Decision &decision) {
    for (auto &[number, port] : ports_) {
        // No time: the removal of a function sets no deadline.
        if (port.vf.is(id_of(link)) && port.vf.vf()->ifindex != link.ifindex())
            vf_event(port, *link.facts.pci, VfFunctionRemoved{}, {}, decision);
    }
}

// A VF was released: ports without one may take it.
void Supervisor::offer_vfs(Decision &decision) {
    for (auto &[number, port] : ports_) {
        if (port.vf.state() == VfState::absent)
            reconsider_vf(port, decision);
    }
}

// The netdevice has become a port, or is none any more.
void Supervisor::reconsider_vfs_with(int ifindex, Decision &decision) {
    if (const Link *link = table_.find(ifindex); link != nullptr && link->may_be_vf())
        reconsider_vfs_of(*link, decision);
}

// The ports whose NetVSC shares an address with the netdevice.
void Supervisor::reconsider_vfs_of(const Link &link, Decision &decision) {
    for (const auto &mac : {link.message.mac, link.message.permanent_mac}) {
        if (!mac)
            continue;
        for (const Link *other : table_.with_mac(*mac)) {
            if (const auto port = by_ifindex_.find(other->ifindex()); port != by_ifindex_.end())
                reconsider_vf(ports_.at(port->second), decision);
        }
    }
}

void Supervisor::vf_event(Port &port, const VfId &vf, const VfEvent &event, TimePoint now,
                          Decision &decision) {
    const std::size_t before = decision.traffic.size();
    port.vf.handle(vf, event, now, decision);
    for (const TrafficCommand &command : decision.traffic | std::views::drop(before)) {
        if (const auto *restore = std::get_if<RestoreDriver>(&command))
            releasing_.insert(restore->vf);
    }
    if (port.vf.state() != VfState::absent)
        return;
    reconsider_vf(port, decision);
    offer_vfs(decision);
}

Decision Supervisor::vf_event(const VfId &vf, const VfEvent &event, TimePoint now) {
    Decision decision;
    for (auto &[number, port] : ports_) {
        if (port.vf.is(vf))
            vf_event(port, vf, event, now, decision);
    }
    return decision;
}

Decision Supervisor::handle_outcome(const VfOutcome &outcome, TimePoint now) {
    Decision decision;
    Port *port = find(outcome.number);
    if (port != nullptr && port->vf.is(outcome.vf))
        vf_event(*port, outcome.vf, outcome.event, now, decision);
    else
        undo(outcome, now, decision);
    return decision;
}

// The port released the VF while it was being bound or probed, and another port may have taken it.
void Supervisor::undo(const VfOutcome &outcome, TimePoint now, Decision &decision) {
    const bool bound = std::holds_alternative<VfBound>(outcome.event);
    const auto *probed = std::get_if<VfProbed>(&outcome.event);
    if (!bound && (probed == nullptr || probed->error != 0))
        return;
    const auto owner = port_with_vf(outcome.vf);
    if (bound && !owner) {
        releasing_.insert(outcome.vf);
        decision.add(RestoreDriver{.vf = outcome.vf});
        return;
    }
    if (bound)
        vf_event(*find(*owner), outcome.vf, outcome.event, now, decision);
    decision.add(
        Withdraw{.number = outcome.number, .vf = outcome.vf, .raise_removal = !owner.has_value()});
}

std::vector<PciAddress> Supervisor::vfs() const {
    std::vector<PciAddress> addresses;
    for (const auto &[number, port] : ports_) {
        if (port.vf.vf())
            addresses.push_back(port.vf.vf()->id.pci);
    }
    return addresses;
}

std::optional<PortNumber> Supervisor::port_with_vf(const VfId &vf) const {
    for (const auto &[number, port] : ports_) {
        if (port.vf.is(vf))
            return number;
    }
    return std::nullopt;
}

} // namespace netvsc
