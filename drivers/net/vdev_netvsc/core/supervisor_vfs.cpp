// SPDX-License-Identifier: BSD-3-Clause
//
// Which VF is whose, and what becomes of it.

#include "core/supervisor.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace netvsc {
namespace {

using Level = Message::Level;

} // namespace

// The VF goes with its port. It is nobody's until that is done.
void Supervisor::release_vf(Port &port, Commands &commands) {
    const auto vf = port.vf.release();
    if (!vf)
        return;
    releasing_.insert(vf->vf);
    port.vf.begin(std::nullopt);
    commands.emplace_back(ReleaseVf{*vf});
}

Commands Supervisor::vf_released(const VfId &vf) {
    releasing_.erase(vf);
    Commands commands;
    offer_vfs(commands);
    return commands;
}

std::optional<Vf> Supervisor::choose_vf(Port &port, Commands &commands) {
    const Link *netvsc = table_.find(port.ifindex);
    if (netvsc == nullptr)
        return std::nullopt;
    const Link *chosen = nullptr;
    for (const auto &mac : {netvsc->message.mac, netvsc->message.permanent_mac}) {
        if (!mac)
            continue;
        for (const Link *link : table_.with_mac(*mac)) {
            if (!link->may_be_vf() || by_ifindex_.contains(link->ifindex()) ||
                held_by_another(port, *link))
                continue;
            if (!port.vf.bind().empty() && table_.may_be_reached(link->ifindex())) {
                if (port.refused_vf != link->ifindex())
                    say(commands, Level::error,
                        port_name(port.number) + ": VF " + printable(link->name()) +
                            " has an IP address, by which the machine may be reached: it is "
                            "not taken from its kernel driver while that is so");
                port.refused_vf = link->ifindex();
                continue;
            }
            // The one in use stays while it is there; else the one seen first.
            const auto &current = port.vf.vf();
            if (current && current->ifindex == link->ifindex() && current->id == id_of(*link)) {
                chosen = link;
                break;
            }
            // In a listing the addresses come last: by then it is known whether it has one.
            if (listing_ && !port.vf.bind().empty())
                continue;
            if (chosen == nullptr)
                chosen = link;
        }
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

void Supervisor::reconsider_vf(Port &port, Commands &commands) {
    if (port.phase != PortPhase::active) // one that is being made is reconsidered when it is there
        return;
    const auto vf = choose_vf(port, commands);
    // The netdevice of one that is just being bound may tell before its end that it is not ours.
    if (const auto &current = port.vf.vf(); current && current != vf) {
        if (const Link *link = table_.find(current->ifindex);
            link && link->facts.pci == current->id.pci)
            port.vf.dismiss(commands);
    }
    port.vf.want(vf, commands);
}

// What MANA's driver has to be told: the VF's address, and those of the other VFs of its function
// that our ports have or will have, for a function is probed only once.
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

// Another port has the VF in hand, were it only to let go of it, or it is just being released: that
// is waited for, or one would take from the other what it works with.
bool Supervisor::held_by_another(const Port &port, const Link &link) const {
    const VfId id = id_of(link);
    return releasing_.contains(id) || std::ranges::any_of(ports_, [&](const auto &entry) {
               return &entry.second != &port && entry.second.vf.is(id);
           });
}

// A VF that is bound has no netdevice. Where its PCI address has one, another device is there by
// now, or somebody has given it back.
void Supervisor::expel_predecessor(const Link &link, Commands &commands) {
    for (auto &[number, port] : ports_) {
        if (port.vf.is(id_of(link)) && port.vf.vf()->ifindex != link.ifindex())
            tell_vf(
                port,
                [&](VfMachine &vf, Commands &more) {
                    vf.pci_removed(*link.facts.pci, false, more);
                },
                commands);
    }
}

// A VF has been let go of: those without one may take it.
void Supervisor::offer_vfs(Commands &commands) {
    for (auto &[number, port] : ports_) {
        if (port.vf.state() == VfState::absent)
            reconsider_vf(port, commands);
    }
}

// The netdevice has become a port, or has ceased to be one.
void Supervisor::reconsider_vfs_with(int ifindex, Commands &commands) {
    if (const Link *link = table_.find(ifindex); link != nullptr && link->may_be_vf())
        reconsider_vfs_of(*link, commands);
}

// The ports whose NetVSC shares an address with the netdevice.
void Supervisor::reconsider_vfs_of(const Link &link, Commands &commands) {
    for (const auto &mac : {link.message.mac, link.message.permanent_mac}) {
        if (!mac)
            continue;
        for (const Link *other : table_.with_mac(*mac)) {
            if (const auto port = by_ifindex_.find(other->ifindex()); port != by_ifindex_.end())
                reconsider_vf(ports_.at(port->second), commands);
        }
    }
}

template <typename Call> void Supervisor::tell_vf(Port &port, Call call, Commands &commands) {
    const std::size_t before = commands.size();
    call(port.vf, commands);
    for (const Command &command : commands | std::views::drop(before)) {
        if (const auto *returned = std::get_if<GiveBack>(&command))
            releasing_.insert(returned->vf);
    }
    if (port.vf.state() != VfState::absent)
        return;
    reconsider_vf(port, commands);
    offer_vfs(commands);
}

template <typename Call> Commands Supervisor::tell_vf(PortNumber number, Call call) {
    Commands commands;
    if (Port *port = find(number))
        tell_vf(*port, call, commands);
    return commands;
}

template <typename Call> Commands Supervisor::tell_vf(const VfId &vf, Call call) {
    Commands commands;
    for (auto &[number, port] : ports_) {
        if (port.vf.is(vf))
            tell_vf(port, call, commands);
    }
    return commands;
}

Commands Supervisor::vf_bound(PortNumber number, const VfId &vf) {
    Commands commands;
    if (Port *port = find(number); port != nullptr && port->vf.is(vf))
        port->vf.bound(vf);
    else if (!port_with_vf(vf)) // let go of while it was being bound
        commands.emplace_back(GiveBack{.vf = vf});
    return commands;
}

void Supervisor::vf_held_back(PortNumber number, const VfId &vf, TimePoint now) {
    if (Port *port = find(number))
        port->vf.held_back(vf, now);
}

Commands Supervisor::vf_bind_failed(PortNumber number, const VfId &vf, const std::string &reason,
                                    TimePoint now) {
    return tell_vf(number, [&](VfMachine &machine, Commands &commands) {
        machine.bind_failed(vf, reason, now, commands);
    });
}

Commands Supervisor::vf_probed(PortNumber number, const VfId &vf, int error, TimePoint now) {
    if (error == 0 && !port_with_vf(vf)) // let go of while it was being probed
        return {Withdraw{.number = number, .vf = vf}};
    return tell_vf(number, [&](VfMachine &machine, Commands &commands) {
        machine.probed(vf, error, now, commands);
    });
}

Commands Supervisor::vf_checked(PortNumber number, const VfId &vf, bool taken) {
    return tell_vf(number, [&](VfMachine &machine, Commands &commands) {
        machine.checked(vf, taken, commands);
    });
}

Commands Supervisor::vf_withdrawn(PortNumber number, const VfId &vf, bool port_remains,
                                  TimePoint now) {
    return tell_vf(number, [&](VfMachine &machine, Commands &commands) {
        machine.withdrawn(vf, port_remains, now, commands);
    });
}

Commands Supervisor::vf_port_gone(const VfId &vf, bool by_application, TimePoint now) {
    return tell_vf(vf, [&](VfMachine &machine, Commands &commands) {
        machine.port_gone(vf, by_application, now, commands);
    });
}

Commands Supervisor::vf_recovering(const VfId &vf) {
    return tell_vf(
        vf, [&](VfMachine &machine, Commands &commands) { machine.recovering(vf, commands); });
}

Commands Supervisor::vf_recovered(const VfId &vf, bool success, TimePoint now) {
    return tell_vf(vf, [&](VfMachine &machine, Commands &commands) {
        machine.recovered(vf, success, now, commands);
    });
}

Commands Supervisor::pci_removed(const PciAddress &pci, bool another_is_there) {
    return tell_vf(pci, [&](VfMachine &vf, Commands &commands) {
        vf.pci_removed(pci, another_is_there, commands);
    });
}

Commands Supervisor::vf_release_requested(const PciAddress &pci, TimePoint now) {
    return tell_vf(
        pci, [&](VfMachine &vf, Commands &commands) { vf.release_requested(pci, now, commands); });
}

Commands Supervisor::pci_unbound(const PciAddress &pci) {
    return tell_vf(
        pci, [&](VfMachine &machine, Commands &commands) { machine.pci_unbound(pci, commands); });
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
