// SPDX-License-Identifier: BSD-3-Clause
//
// How a NetVSC's port comes and goes.

#include "core/supervisor.hpp"

#include <net/if.h>
#include <system_error>
#include <utility>

namespace netvsc {
namespace {

using Level = Message::Level;

std::string errno_text(int error) { return std::generic_category().message(error); }

} // namespace

void Supervisor::create(Port &port, Commands &commands) {
    port.phase = PortPhase::creating;
    port.next_creation.reset();
    auto vf = choose_vf(port, commands);
    if (vf != port.vf.vf())
        release_vf(port, commands); // that was for a number that proved to be taken
    port.vf.begin(vf);
    commands.emplace_back(CreatePort{.number = port.number,
                                     .netdevice = port.netdevice,
                                     .ifindex = port.ifindex,
                                     .mac = view_of(port).mac,
                                     .fallback = port.fallback,
                                     .hotplug_poll = port.hotplug_poll,
                                     .vf = std::move(vf),
                                     .bind = port.vf.bind()});
}

// The netdevice of a port has changed its name, address or device.
void Supervisor::follow_port(Port &port, const Link &link, Commands &commands) {
    const auto instance = instances_.find(port.instance);
    if (!link.is_ethernet() ||
        (!link.is_netvsc() && instance != instances_.end() && !instance->second.arguments.force)) {
        // The index has passed to another netdevice while notifications were lost.
        lose_netvsc(port, commands);
        return;
    }
    if (port.netdevice != link.name()) {
        say(commands, Level::info,
            port_name(port.number) + ": netdevice " + port.netdevice + " is now " +
                printable(link.name()));
        port.netdevice = link.name();
    }
    if (port.phase == PortPhase::retrying && !safe_in_devargs(port.netdevice)) {
        give_up(port, commands);
        return;
    }
    reconsider_vf(port, commands);
}

// Ports over a netdevice whose carrier has come or gone, or that have it as their VF.
void Supervisor::refresh_links(const Link &changed, Commands &commands) const {
    if (const auto port = by_ifindex_.find(changed.ifindex());
        port != by_ifindex_.end() && ports_.at(port->second).phase == PortPhase::active)
        commands.emplace_back(RefreshLink{.number = port->second});
    if (!changed.may_be_vf())
        return;
    for (const auto &[number, port] : ports_) {
        if (port.phase == PortPhase::active && port.vf.is(id_of(changed)))
            commands.emplace_back(RefreshLink{.number = number});
    }
}

void Supervisor::lose_netvsc(Port &port, Commands &commands) {
    by_ifindex_.erase(port.ifindex);
    port.ifindex = 0;
    switch (port.phase) {
    case PortPhase::retrying:
        ports_.erase(port.number);
        return;
    case PortPhase::active:
        port.vf.dismiss(commands);
        port.phase = PortPhase::netvsc_gone;
        say(commands, Level::notice,
            port_name(port.number) + ": netdevice " + printable(port.netdevice) + " is gone");
        commands.emplace_back(ReportRemoval{.number = port.number});
        return;
    case PortPhase::creating: // told, and the VF withdrawn, when the port is there
    case PortPhase::netvsc_gone:
    case PortPhase::closing:
        return;
    }
}

// A port that could not be made yet, of a netdevice that has got a name that must not stand in
// device arguments. Renamed again, the netdevice is taken anew.
void Supervisor::give_up(Port &port, Commands &commands) {
    say(commands, Level::error,
        port_name(port.number) + " not made: " + unsafe_in_devargs(port.netdevice));
    const int ifindex = port.ifindex;
    by_ifindex_.erase(ifindex);
    ports_.erase(port.number);
    reconsider_vfs_with(ifindex, commands);
}

Commands Supervisor::port_created(PortNumber number) {
    Commands commands;
    Port *port = find(number);
    if (port == nullptr)
        return commands;
    if (port->phase == PortPhase::closing) {
        commands.emplace_back(DestroyPort{.number = number});
        return commands;
    }
    port->phase = PortPhase::active;
    say(commands, Level::notice,
        port_name(number) + " attached to netdevice " + printable(port->netdevice));
    commands.emplace_back(Report{.type = EventType::port_added, .number = number, .vf = {}});
    port->vf.introduce(commands);
    if (port->ifindex == 0) {
        port->vf.dismiss(commands);
        port->phase = PortPhase::netvsc_gone;
        commands.emplace_back(ReportRemoval{.number = number});
    } else {
        reconsider_vf(*port, commands);
    }
    return commands;
}

Commands Supervisor::port_failed(PortNumber number, int error, TimePoint now) {
    Commands commands;
    Port *port = find(number);
    if (port == nullptr)
        return commands;
    const bool wanted = port->phase != PortPhase::closing && port->ifindex != 0;
    if (wanted && error == EEXIST && safe_in_devargs(port->netdevice)) {
        // Something that is not ours, or a port the application closed but did not detach,
        // carries the name still.
        auto node = ports_.extract(number);
        node.key() = free_number(number + 1);
        node.mapped().number = node.key();
        node.mapped().vf.set_port(node.key());
        by_ifindex_[node.mapped().ifindex] = node.key();
        create(ports_.insert(std::move(node)).position->second, commands);
        return commands;
    }
    release_vf(*port, commands); // it may have been probed for this port
    if (!wanted) {
        ports_.erase(number);
        return commands;
    }
    if (!safe_in_devargs(port->netdevice)) {
        give_up(*port, commands);
        return commands;
    }
    const auto delay = port->creation_backoff.next();
    port->phase = PortPhase::retrying;
    port->next_creation = now + delay.length;
    if (delay.grew)
        say(commands, Level::error,
            port_name(number) + " could not be made over " + printable(port->netdevice) + ": " +
                errno_text(error) + "; trying again in " + std::to_string(delay.length.count()) +
                " ms");
    return commands;
}

Commands Supervisor::port_gone(PortNumber number) {
    Commands commands;
    Port *port = find(number);
    if (port == nullptr)
        return commands;
    if (port->ifindex != 0) {
        by_ifindex_.erase(port->ifindex);
        closed_[port->ifindex].insert(port->instance);
    }
    release_vf(*port, commands);
    const int ifindex = port->ifindex;
    ports_.erase(number);
    reconsider_vfs_with(ifindex, commands);
    return commands;
}

} // namespace netvsc
