// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor.hpp"

#include <algorithm>
#include <net/if.h>
#include <ranges>
#include <system_error>
#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_creation_delay = 1s;
constexpr auto max_creation_delay = 60s;
constexpr auto unsafe_name = "its name would change the meaning of device arguments; expected "
                             "letters, digits and _ - . @ + ~ only. It is attached once renamed.";

std::string errno_text(int error) { return std::generic_category().message(error); }

std::string not_ethernet(const Link &link) {
    return "expected an Ethernet netdevice, this one is of type " +
           std::to_string(link.message.type) + " (ARPHRD_* in linux/if_arp.h)";
}

bool differ_in_carrier(const Link &one, const Link &other) {
    return one.message.carrier != other.message.carrier ||
           ((one.message.flags ^ other.message.flags) & (IFF_UP | IFF_RUNNING)) != 0;
}

// MANA is one PCI function for several VFs, and its driver tells them apart by MAC address.
VfId id_of(const Link &link) {
    return {*link.facts.pci, link.facts.mana ? link.message.mac : std::nullopt};
}

void say(Commands &commands, Level level, std::string text) {
    commands.emplace_back(Message{.level = level, .text = std::move(text)});
}

} // namespace

// ---- Instances.

std::expected<Commands, std::string> Supervisor::add_instance(InstanceId id, std::string name,
                                                              Arguments arguments) {
    Commands commands;
    if (arguments.ignore) {
        say(commands, Level::notice, name + ": ignore=1, does nothing");
        instances_.emplace(
            id, Instance{.name = std::move(name), .arguments = std::move(arguments), .warned = {}});
        return commands;
    }
    for (const std::string &interface : arguments.interfaces) {
        const Link *link = table_.find(interface);
        if (link != nullptr && !link->is_ethernet())
            return std::unexpected("argument 'iface=" + interface + "': " + not_ethernet(*link));
    }
    instances_.emplace(
        id, Instance{.name = std::move(name), .arguments = std::move(arguments), .warned = {}});
    report_selectors(id, commands);
    const Arguments &wanted = instances_.at(id).arguments;
    for (const std::string &interface : wanted.interfaces) {
        if (const Link *link = table_.find(interface))
            attach(*link, true, commands);
    }
    for (const MacAddress &mac : wanted.macs) {
        for (const Link *link : table_.with_mac(mac))
            attach(*link, true, commands);
    }
    if (wanted.automatic()) {
        for (const Link *link : table_.netvscs()) {
            if (listing_)
                undecided_.insert(link->ifindex());
            else
                attach(*link, true, commands);
        }
    }
    return commands;
}

// Says what cannot be seen from the ports that come up: names waited for, and double ones.
void Supervisor::report_selectors(InstanceId id, Commands &commands) {
    const Instance &instance = instances_.at(id);
    std::map<int, std::string> seen;
    const auto report = [&](const std::string &selector, const Link *link) {
        if (link == nullptr) {
            say(commands, Level::notice,
                instance.name + ": there is no netdevice with " + selector +
                    " yet: waiting for it");
            return;
        }
        if (const auto port = by_ifindex_.find(link->ifindex()); port != by_ifindex_.end())
            say(commands, Level::warning,
                instance.name + ": " + selector + ": " + printable(link->name()) +
                    " is already attached, by " + port_name(port->second));
        const auto [first, inserted] = seen.emplace(link->ifindex(), selector);
        if (!inserted)
            say(commands, Level::warning,
                instance.name + ": " + first->second + " and " + selector +
                    " are the same netdevice: it becomes one port");
    };
    for (const std::string &interface : instance.arguments.interfaces)
        report("iface=" + interface, table_.find(interface));
    for (const MacAddress &mac : instance.arguments.macs) {
        const auto links = table_.with_mac(mac);
        const auto chosen = std::ranges::find_if(
            links, [&](const Link *link) { return link->is_netvsc() || instance.arguments.force; });
        report("mac=" + mac.to_string(), chosen == links.end() ? nullptr : *chosen);
    }
}

Commands Supervisor::remove_instance(InstanceId id) {
    Commands commands;
    instances_.erase(id);
    for (auto &[ifindex, instances] : closed_)
        instances.erase(id);
    std::vector<int> released;
    for (auto position = ports_.begin(); position != ports_.end();) {
        Port &port = position->second;
        if (port.instance != id) {
            ++position;
            continue;
        }
        if (port.ifindex != 0) {
            by_ifindex_.erase(port.ifindex);
            released.push_back(port.ifindex);
        }
        port.ifindex = 0;
        if (port.phase == PortPhase::retrying) {
            position = ports_.erase(position);
            continue;
        }
        // One that another thread is making is destroyed as soon as it is there.
        if (port.phase != PortPhase::creating)
            commands.emplace_back(DestroyPort{.number = port.number});
        port.phase = PortPhase::closing;
        ++position;
    }
    for (const int ifindex : released)
        reconsider_vfs_with(ifindex, commands);
    return commands;
}

// ---- Netdevices.

Commands Supervisor::link(LinkMessage message, std::optional<DeviceFacts> facts) {
    Commands commands;
    Link link{.message = std::move(message), .facts = {}};
    if (facts)
        link.facts = *facts;
    else if (const Link *known = table_.find(link.ifindex());
             known != nullptr && link.is_ethernet() && !link.message.software)
        link.facts = known->facts;
    const auto change = table_.put(std::move(link));
    if (change.before != nullptr && differ_in_carrier(*change.before, *change.after))
        refresh_links(*change.after, commands);
    if (!change.identity)
        return commands;
    const Link &after = *change.after;
    const std::optional<Link> before =
        change.before != nullptr ? std::optional(*change.before) : std::nullopt;

    if (const auto attached = by_ifindex_.find(after.ifindex()); attached != by_ifindex_.end())
        follow_port(ports_.at(attached->second), after, commands);
    if (facts && after.may_be_vf()) // else it may be gone by now
        expel_predecessor(after, commands);
    if (before && before->may_be_vf())
        reconsider_vfs_of(*before, commands);
    if (after.may_be_vf())
        reconsider_vfs_of(after, commands);

    const bool appeared =
        !before || before->is_netvsc() != after.is_netvsc() || !safe_in_devargs(before->name());
    if (listing_ && appeared)
        undecided_.insert(after.ifindex());
    attach(after, appeared && !listing_, commands);
    return commands;
}

Commands Supervisor::link_gone(int ifindex) {
    Commands commands;
    const auto link = table_.remove(ifindex);
    if (!link)
        return commands;
    closed_.erase(ifindex);
    undecided_.erase(ifindex);
    if (const auto attached = by_ifindex_.find(ifindex); attached != by_ifindex_.end())
        lose_netvsc(ports_.at(attached->second), commands);
    if (link->may_be_vf())
        reconsider_vfs_of(*link, commands);
    return commands;
}

Commands Supervisor::address(const AddressMessage &message) {
    const int ifindex = message.address.ifindex;
    const bool might_be_reached = table_.may_be_reached(ifindex);
    if (message.gone)
        table_.remove_address(message.address);
    else
        table_.put_address(message.address);
    Commands commands;
    if (might_be_reached != table_.may_be_reached(ifindex))
        reconsider_vfs_with(ifindex, commands); // vf_bind= is only for those without
    return commands;
}

void Supervisor::begin_listing() {
    table_.begin_listing();
    listing_ = true;
}

Commands Supervisor::end_listing() {
    listing_ = false;
    Commands commands;
    for (const int ifindex : table_.end_listing()) {
        auto more = link_gone(ifindex);
        std::ranges::move(more, std::back_inserter(commands));
    }
    for (const int ifindex : std::exchange(undecided_, {})) {
        if (const Link *link = table_.find(ifindex))
            attach(*link, true, commands);
    }
    for (auto &[number, port] : ports_) {
        if (!port.vf.bind().empty())
            reconsider_vf(port, commands);
    }
    return commands;
}

bool Supervisor::mac_is_attached(const MacAddress &mac) const {
    return std::ranges::any_of(table_.with_mac(mac), [this](const Link *link) {
        return by_ifindex_.contains(link->ifindex());
    });
}

bool Supervisor::claims_by_name(const Instance &instance, const Link &link) const {
    const Arguments &wanted = instance.arguments;
    if (std::ranges::find(wanted.interfaces, link.name()) != wanted.interfaces.end())
        return true;
    // A VLAN or the like has the address of what is below it.
    if (!link.is_ethernet() || link.message.software)
        return false;
    return std::ranges::any_of(wanted.macs, [&](const MacAddress &mac) {
        // A NetVSC's VF has its address too: it is not what mac= means.
        return link.has_mac(mac) && (link.is_netvsc() || (wanted.force && !mac_is_attached(mac)));
    });
}

// Makes a port of the netdevice if an instance wants it.
// appeared: it may be taken by an instance that was given no names, too.
void Supervisor::attach(const Link &link, bool appeared, Commands &commands) {
    if (by_ifindex_.contains(link.ifindex()))
        return;
    for (auto &[id, instance] : instances_) {
        const Arguments &wanted = instance.arguments;
        if (wanted.ignore)
            continue;
        const bool routed = table_.is_routed(link.ifindex());
        const bool found = wanted.automatic() && appeared && link.is_netvsc() && !routed;
        if (!found && !claims_by_name(instance, link))
            continue;
        if (const auto closed = closed_.find(link.ifindex());
            closed != closed_.end() && closed->second.contains(id))
            continue;
        if (!link.is_ethernet() || !safe_in_devargs(link.name()) ||
            (!link.is_netvsc() && !wanted.force)) {
            refuse(instance, link, commands);
            continue;
        }
        if (!link.is_netvsc())
            say(commands, Level::warning,
                instance.name + ": " + link.name() +
                    " is not a NetVSC netdevice; attached all the same, as force=1 says");
        if (routed)
            say(commands, Level::warning,
                instance.name + ": " + link.name() +
                    " has an IP address and is probably in use; attached all the same, as it "
                    "was named");
        const PortNumber number = free_number(0);
        const auto [position, inserted] = ports_.emplace(
            number, Port{.number = number,
                         .instance = id,
                         .ifindex = link.ifindex(),
                         .netdevice = link.name(),
                         .hotplug_poll = wanted.hotplug_poll,
                         .vf_args = wanted.vf_args,
                         .vf = VfMachine(number, wanted.vf_bind, wanted.hotplug_poll),
                         .creation_backoff = Backoff(first_creation_delay, max_creation_delay),
                         .next_creation = {}});
        by_ifindex_[link.ifindex()] = number;
        // One that is taken by force is not another port's VF any more.
        reconsider_vfs_with(link.ifindex(), commands);
        create(position->second, commands);
        return;
    }
}

// Says, once for each name, why a netdevice that was asked for is not taken.
void Supervisor::refuse(Instance &instance, const Link &link, Commands &commands) const {
    if (!instance.warned.insert(link.name()).second)
        return;
    if (!safe_in_devargs(link.name())) {
        say(commands, Level::error,
            instance.name + ": netdevice '" + printable(link.name()) +
                "' not attached: " + unsafe_name);
        return;
    }
    if (!link.is_ethernet()) {
        say(commands, Level::error,
            instance.name + ": netdevice " + link.name() + " not attached: " + not_ethernet(link));
        return;
    }
    say(commands, Level::error,
        instance.name + ": netdevice " + link.name() +
            " not attached: expected a NetVSC netdevice (device/class_id in sysfs); force=1 "
            "takes any Ethernet netdevice");
}

PortNumber Supervisor::free_number(PortNumber from) const {
    while (ports_.contains(from))
        ++from;
    return from;
}

// ---- Ports.

void Supervisor::create(Port &port, Commands &commands) {
    port.phase = PortPhase::creating;
    port.next_creation.reset();
    auto vf = choose_vf(port, commands);
    if (vf != port.vf.vf())
        release_vf(port, commands); // that was for a number that proved to be taken
    port.vf.begin(vf);
    commands.emplace_back(CreatePort{.number = port.number,
                                     .netdevice = port.netdevice,
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
        port_name(port.number) + " not made: netdevice '" + printable(port.netdevice) +
            "' not attached: " + unsafe_name);
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

// ---- VFs.

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

Commands Supervisor::vf_recovered(const VfId &vf, bool success) {
    return tell_vf(vf, [&](VfMachine &machine, Commands &commands) {
        machine.recovered(vf, success, commands);
    });
}

Commands Supervisor::pci_removed(const PciAddress &pci, bool another_is_there) {
    return tell_vf(pci, [&](VfMachine &vf, Commands &commands) {
        vf.pci_removed(pci, another_is_there, commands);
    });
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

// ---- Time.

// What concerns a VF waits until its port is there.
std::optional<TimePoint> Supervisor::vf_deadline(const Port &port) {
    return port.phase == PortPhase::active || port.phase == PortPhase::netvsc_gone
               ? port.vf.deadline()
               : std::nullopt;
}

std::optional<TimePoint> Supervisor::deadline() const {
    std::optional<TimePoint> first;
    for (const auto &[number, port] : ports_) {
        for (const auto &time : {port.next_creation, vf_deadline(port)}) {
            if (time && (!first || *time < *first))
                first = time;
        }
    }
    return first;
}

Commands Supervisor::elapsed(TimePoint now) {
    Commands commands;
    for (auto &[number, port] : ports_) {
        if (port.next_creation && *port.next_creation <= now)
            create(port, commands);
        if (vf_deadline(port))
            port.vf.elapsed(now, commands);
    }
    return commands;
}

// ---- Looking.

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
            .vf_state = port.vf.state()};
}

} // namespace netvsc
