// SPDX-License-Identifier: BSD-3-Clause
#include "core/link_table.hpp"

#include <algorithm>
#include <utility>

namespace netvsc {
namespace {

// Only a netdevice over a device can be a NetVSC or a VF.
bool is_indexed(const Link &link) { return link.is_ethernet() && !link.message.software; }

} // namespace

bool LinkTable::wants_facts(const LinkMessage &message) const {
    if (message.type != ARPHRD_ETHER || message.software)
        return false;
    const auto found = links_.find(message.ifindex);
    if (found == links_.end() || found->second.link.name() != message.name)
        return true;
    // After lost notifications another netdevice may have the same ifindex.
    return found->second.listing != listing_;
}

void LinkTable::index(const Link &link) {
    by_name_[link.name()] = link.ifindex();
    if (!is_indexed(link))
        return;
    if (link.message.mac)
        by_mac_[*link.message.mac].insert(link.ifindex());
    if (link.message.permanent_mac)
        by_mac_[*link.message.permanent_mac].insert(link.ifindex());
    if (link.is_netvsc())
        netvscs_.insert(link.ifindex());
}

void LinkTable::unindex(const Link &link) {
    // While two netdevices swap names, both may seem to have the same one. The later owner
    // keeps its entry.
    if (const auto name = by_name_.find(link.name());
        name != by_name_.end() && name->second == link.ifindex())
        by_name_.erase(name);
    for (const auto &mac : {link.message.mac, link.message.permanent_mac}) {
        if (!mac)
            continue;
        const auto found = by_mac_.find(*mac);
        if (found == by_mac_.end())
            continue;
        found->second.erase(link.ifindex());
        if (found->second.empty())
            by_mac_.erase(found);
    }
    netvscs_.erase(link.ifindex());
}

LinkTable::Change LinkTable::put(Link link) {
    const int ifindex = link.ifindex();
    const auto [position, inserted] = links_.try_emplace(ifindex);
    Entry &entry = position->second;
    entry.listing = listing_;
    Change change;
    if (inserted) {
        previous_.reset();
        entry.link = std::move(link);
        index(entry.link);
        change.identity = true;
    } else {
        const LinkMessage &was = entry.link.message;
        const LinkMessage &is = link.message;
        change.identity = was.name != is.name || was.type != is.type || was.mac != is.mac ||
                          was.permanent_mac != is.permanent_mac || was.software != is.software ||
                          entry.link.facts != link.facts;
        if (change.identity)
            unindex(entry.link);
        previous_ = std::exchange(entry.link, std::move(link));
        if (change.identity)
            index(entry.link);
        else // another netdevice may have had the name while notifications were lost
            by_name_[entry.link.name()] = ifindex;
        change.before = &*previous_;
    }
    change.after = &entry.link;
    return change;
}

std::optional<Link> LinkTable::remove(int ifindex) {
    addresses_.erase(ifindex);
    auto node = links_.extract(ifindex);
    if (node.empty())
        return std::nullopt;
    unindex(node.mapped().link);
    return std::move(node.mapped().link);
}

void LinkTable::put_address(const InterfaceAddress &address) {
    addresses_[address.ifindex][address] = listing_;
}

void LinkTable::remove_address(const InterfaceAddress &address) {
    const auto found = addresses_.find(address.ifindex);
    if (found == addresses_.end())
        return;
    found->second.erase(address);
    if (found->second.empty())
        addresses_.erase(found);
}

bool LinkTable::is_routed(int ifindex) const { return addresses_.contains(ifindex); }

std::optional<InterfaceAddress> LinkTable::first_address(int ifindex) const {
    const auto found = addresses_.find(ifindex);
    return found != addresses_.end() ? std::optional(found->second.begin()->first) : std::nullopt;
}

bool LinkTable::may_be_reached(int ifindex) const {
    const auto found = addresses_.find(ifindex);
    return found != addresses_.end() && std::ranges::any_of(found->second, [](const auto &entry) {
               return !is_link_local(entry.first);
           });
}

void LinkTable::begin_listing() { ++listing_; }

std::vector<int> LinkTable::end_listing() {
    for (auto netdevice = addresses_.begin(); netdevice != addresses_.end();) {
        std::erase_if(netdevice->second,
                      [this](const auto &address) { return address.second != listing_; });
        netdevice = netdevice->second.empty() ? addresses_.erase(netdevice) : std::next(netdevice);
    }
    std::vector<int> gone;
    for (const auto &[ifindex, entry] : links_) {
        if (entry.listing != listing_)
            gone.push_back(ifindex);
    }
    return gone;
}

const Link *LinkTable::find(int ifindex) const {
    const auto found = links_.find(ifindex);
    return found == links_.end() ? nullptr : &found->second.link;
}

const Link *LinkTable::find(const std::string &name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : find(found->second);
}

std::vector<const Link *> LinkTable::with_mac(const MacAddress &mac) const {
    std::vector<const Link *> links;
    if (const auto found = by_mac_.find(mac); found != by_mac_.end()) {
        for (const int ifindex : found->second)
            links.push_back(find(ifindex));
    }
    return links;
}

std::vector<const Link *> LinkTable::netvscs() const {
    std::vector<const Link *> links;
    for (const int ifindex : netvscs_)
        links.push_back(find(ifindex));
    return links;
}

} // namespace netvsc
