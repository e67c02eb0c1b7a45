// SPDX-License-Identifier: BSD-3-Clause
#include "core/supervisor.hpp"

#include <algorithm>
#include <net/if.h>
#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_creation_delay = 1s;
constexpr auto max_creation_delay = 60s;

std::string not_ethernet(const Link &link) {
    return "expected an Ethernet netdevice, this one is of type " +
           std::to_string(link.message.type) + " (ARPHRD_* in linux/if_arp.h)";
}

bool differ_in_carrier(const Link &one, const Link &other) {
    return one.message.carrier != other.message.carrier ||
           ((one.message.flags ^ other.message.flags) & (IFF_UP | IFF_RUNNING)) != 0;
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
    if (leaving_.contains(message.ifindex))
        return commands;
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

std::optional<PciAddress> Supervisor::may_be_leaving(const LinkMessage &message) const {
    if (listing_) // in which the index may have passed to another netdevice
        return std::nullopt;
    const Link *known = table_.find(message.ifindex);
    const bool goes_down =
        known != nullptr && (known->message.flags & IFF_UP) != 0 && (message.flags & IFF_UP) == 0;
    return goes_down && known->may_be_vf() ? known->facts.pci : std::nullopt;
}

Commands Supervisor::link_leaving(int ifindex) {
    auto commands = link_gone(ifindex);
    leaving_.insert(ifindex);
    return commands;
}

Commands Supervisor::link_gone(int ifindex) {
    Commands commands;
    leaving_.erase(ifindex);
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
    leaving_.clear(); // RTM_DELLINK may have been lost, and what is there now is named
}

Commands Supervisor::end_listing() {
    listing_ = false;
    Commands commands;
    for (const int ifindex : table_.end_listing())
        append(commands, link_gone(ifindex));
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
                         .fallback = wanted.fallback,
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
        say(commands, Level::error, instance.name + ": " + unsafe_in_devargs(link.name()));
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
