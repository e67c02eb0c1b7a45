// SPDX-License-Identifier: BSD-3-Clause
//
// Instances, and the netdevices that they want.

#include "core/supervisor.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_creation_delay = 1s;
constexpr auto max_creation_delay = 60s;
// A netdevice that is removed first loses its addresses, and one that gets new addresses may lose
// the old ones before.
constexpr auto settling_time = 2s;

std::string not_ethernet(const Link &link) {
    return "expected an Ethernet netdevice, this one is of type " +
           std::to_string(link.message.type) + " (ARPHRD_* in linux/if_arp.h)";
}

} // namespace

std::expected<Decision, std::string> Supervisor::add_instance(InstanceId id, std::string name,
                                                              Arguments arguments) {
    Decision decision;
    if (arguments.ignore) {
        decision.log(Level::notice, name + ": disabled by ignore=1");
        instances_.emplace(id,
                           Instance{.name = std::move(name), .arguments = std::move(arguments)});
        return decision;
    }
    for (const std::string &interface : arguments.interfaces) {
        const Link *link = table_.find(interface);
        if (link != nullptr && !link->is_ethernet())
            return std::unexpected("argument 'iface=" + interface + "': " + not_ethernet(*link));
    }
    instances_.emplace(id, Instance{.name = std::move(name), .arguments = std::move(arguments)});
    report_selectors(id, decision);
    const Arguments &wanted = instances_.at(id).arguments;
    for (const std::string &interface : wanted.interfaces) {
        if (const Link *link = table_.find(interface))
            attach(*link, true, decision);
    }
    for (const MacAddress &mac : wanted.macs) {
        for (const Link *link : table_.with_mac(mac))
            attach(*link, true, decision);
    }
    if (wanted.automatic()) {
        for (const Link *link : table_.netvscs()) {
            if (listing_)
                undecided_.insert(link->ifindex());
            else
                attach(*link, true, decision);
        }
    }
    return decision;
}

// Logs what the new ports do not show: names without a netdevice, and names given twice.
void Supervisor::report_selectors(InstanceId id, Decision &decision) {
    const Instance &instance = instances_.at(id);
    std::map<int, std::string> seen;
    const auto report = [&](const std::string &selector, const Link *link) {
        if (link == nullptr) {
            decision.log(Level::notice, instance.name + ": no netdevice with " + selector +
                                            " yet; waiting for it");
            return;
        }
        if (const auto port = by_ifindex_.find(link->ifindex()); port != by_ifindex_.end())
            decision.log(Level::warning, instance.name + ": " + selector + ": " +
                                             printable(link->name()) + " is already attached by " +
                                             port_name(port->second));
        const auto [first, inserted] = seen.emplace(link->ifindex(), selector);
        if (!inserted)
            decision.log(Level::warning, instance.name + ": " + first->second + " and " + selector +
                                             " name the same netdevice; it becomes one port");
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

Decision Supervisor::remove_instance(InstanceId id) {
    Decision decision;
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
        // If another thread is creating it, it is destroyed right after that.
        if (port.phase != PortPhase::creating)
            decision.add(DestroyPort{.number = port.number});
        port.phase = PortPhase::closing;
        ++position;
    }
    for (const int ifindex : released)
        reconsider_vfs_with(ifindex, decision);
    return decision;
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
    // A VLAN netdevice and the like have the address of the netdevice below them.
    if (!link.is_ethernet() || link.message.software)
        return false;
    return std::ranges::any_of(wanted.macs, [&](const MacAddress &mac) {
        // The NetVSC's VF has the same address, but mac= means the NetVSC.
        return link.has_mac(mac) && (link.is_netvsc() || (wanted.force && !mac_is_attached(mac)));
    });
}

bool Supervisor::was_closed(InstanceId id, int ifindex) const {
    const auto closed = closed_.find(ifindex);
    return closed != closed_.end() && closed->second.contains(id);
}

// An instance without names wants the netdevice, unless it has an address.
bool Supervisor::claims_without_name(InstanceId id, const Instance &instance,
                                     const Link &link) const {
    return instance.arguments.automatic() && !instance.arguments.ignore && link.is_netvsc() &&
           !was_closed(id, link.ifindex());
}

// The NetVSC netdevice has lost its last address, or is being removed.
void Supervisor::note_address_loss(int ifindex, TimePoint now) {
    const Link *link = table_.find(ifindex);
    if (link != nullptr && link->is_netvsc() && !by_ifindex_.contains(ifindex) &&
        std::ranges::any_of(instances_, [&](const auto &entry) {
            return claims_without_name(entry.first, entry.second, *link);
        }))
        without_address_[ifindex] = now + settling_time;
}

void Supervisor::attach_without_address(TimePoint now, Decision &decision) {
    for (auto entry = without_address_.begin(); entry != without_address_.end();) {
        if (now < entry->second) {
            ++entry;
            continue;
        }
        const Link *link = table_.find(entry->first);
        entry = without_address_.erase(entry);
        if (link != nullptr && listing_)
            undecided_.insert(link->ifindex());
        else if (link != nullptr)
            attach(*link, true, decision);
    }
}

// Logs once for each netdevice why an instance without names does not attach to it.
void Supervisor::report_address(Instance &instance, const Link &link, Decision &decision) const {
    const auto address = table_.first_address(link.ifindex());
    if (address && instance.passed_over.insert(link.ifindex()).second)
        decision.log(Level::notice, instance.name + ": NetVSC netdevice " + printable(link.name()) +
                                        " not attached: it has the address " + text_of(*address) +
                                        "; attached once it has none");
}

// Creates a port over the netdevice if an instance wants it.
// appeared: instances without names may want it too.
void Supervisor::attach(const Link &link, bool appeared, Decision &decision) {
    if (by_ifindex_.contains(link.ifindex()))
        return;
    for (auto &[id, instance] : instances_) {
        const Arguments &wanted = instance.arguments;
        if (wanted.ignore)
            continue;
        const bool routed = table_.is_routed(link.ifindex());
        const bool found = appeared && claims_without_name(id, instance, link);
        if (found && routed)
            report_address(instance, link, decision);
        if ((!found || routed) && !claims_by_name(instance, link))
            continue;
        if (was_closed(id, link.ifindex()))
            continue;
        if (!link.is_ethernet() || !safe_in_devargs(link.name()) ||
            (!link.is_netvsc() && !wanted.force)) {
            refuse(instance, link, decision);
            continue;
        }
        if (!link.is_netvsc())
            decision.log(Level::warning,
                         instance.name + ": " + link.name() +
                             " is not a NetVSC netdevice; attaching to it because of force=1");
        if (routed)
            decision.log(
                Level::warning,
                instance.name + ": " + link.name() +
                    " has an IP address and is probably in use; attaching to it because it "
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
        // With force=1 it may be another port's VF. It is that no longer.
        reconsider_vfs_with(link.ifindex(), decision);
        create(position->second, decision);
        return;
    }
}

// Logs once for each name why the driver does not attach to a named netdevice.
void Supervisor::refuse(Instance &instance, const Link &link, Decision &decision) const {
    if (!instance.warned.insert(link.name()).second)
        return;
    if (!safe_in_devargs(link.name())) {
        decision.log(Level::error, instance.name + ": " + unsafe_in_devargs(link.name()));
        return;
    }
    if (!link.is_ethernet()) {
        decision.log(Level::error, instance.name + ": netdevice " + link.name() +
                                       " not attached: " + not_ethernet(link));
        return;
    }
    decision.log(
        Level::error,
        instance.name + ": netdevice " + link.name() +
            " not attached: expected a NetVSC netdevice (device/class_id in sysfs); force=1 "
            "accepts any Ethernet netdevice");
}

} // namespace netvsc
