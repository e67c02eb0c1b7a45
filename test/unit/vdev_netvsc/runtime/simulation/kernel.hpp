// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/link.hpp"
#include "journal.hpp"
#include "netlink/link_monitor.hpp"
#include "vdev_netvsc/core/netdevices.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <net/if.h>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netvsc::simulation {

/// Netdevices, and the one socket that delivers their changes and dumps.
class Kernel {
public:
    Kernel(Random &random, Journal &journal) : random_(random), journal_(journal) {}

    struct Netdevice {
        Link link;
        std::set<InterfaceAddress> addresses;
    };
    bool macs_stay = false;
    [[nodiscard]] const std::map<int, Netdevice> &netdevices() const { return netdevices_; }
    [[nodiscard]] bool has_pci(const PciAddress &pci) const {
        return bound_.contains(pci) || has_netdevice(pci);
    }
    [[nodiscard]] bool has_netdevice(const PciAddress &pci) const {
        return std::ranges::any_of(
            netdevices_, [&](const auto &entry) { return entry.second.link.facts.pci == pci; });
    }
    /// As Sysfs::netdevice() would answer at this moment.
    [[nodiscard]] std::optional<DeviceFacts> sysfs(const LinkMessage &message) const {
        const auto found = netdevices_.find(message.ifindex);
        if (found == netdevices_.end() || found->second.link.name() != message.name)
            return std::nullopt;
        return found->second.link.facts;
    }

    // ---- PCI functions that are bound to another driver.

    [[nodiscard]] const std::map<PciAddress, Link> &bound() const { return bound_; }
    /// @return whether the function is bound now: it has no netdevice any more
    bool bind(const PciAddress &pci) {
        for (const auto &[ifindex, netdevice] : netdevices_) {
            if (netdevice.link.facts.pci == pci) {
                bound_.emplace(pci, netdevice.link);
                remove_netdevice(ifindex);
                break;
            }
        }
        return bound_.contains(pci);
    }
    /// The function returns to its own driver, which creates a new netdevice.
    void restore(const PciAddress &pci) {
        auto node = bound_.extract(pci);
        if (!node)
            return;
        Link link = std::move(node.mapped());
        link.message.ifindex = next_ifindex_++;
        link.message.name = free_name();
        add(std::move(link));
    }
    /// Removes a function that has no netdevice.
    void pull_one_out() {
        if (bound_.empty())
            return;
        const PciAddress pci = random_.of(bound_).first;
        journal_.add("PCI function " + pci.to_string() + " is pulled out");
        bound_.erase(pci);
        notify_removed(pci);
    }
    /// Removed PCI functions, as uevents report them. lost: some reports are missing.
    struct Removed {
        std::vector<PciAddress> reported;
        bool lost = false;
    };
    [[nodiscard]] Removed receive_uevents() { return std::exchange(removed_, {}); }
    [[nodiscard]] bool has_uevents() const { return removed_.lost || !removed_.reported.empty(); }

    void change_something() {
        switch (random_.below(14)) {
        case 0:
        case 1:
            return add_netvsc();
        case 2:
        case 3:
            return add_vf();
        case 4:
            return add(test::software(free_name(), next_ifindex_++, test::mac(5)));
        case 5: {
            const int ifindex = next_ifindex_++;
            return add(test::ethernet(free_name(), ifindex,
                                      test::mac(1000 + static_cast<unsigned>(ifindex))));
        }
        default:
            break;
        }
        if (netdevices_.empty())
            return;
        auto &[ifindex, netdevice] = random_.of(netdevices_);
        switch (random_.below(9)) {
        case 0:
            return remove(ifindex);
        case 1:
        case 2:
            return rename(netdevice, free_name());
        case 3:
            return change_mac(netdevice);
        case 4:
        case 5:
            return change_addresses(netdevice);
        case 6: {
            netdevice.link.message.carrier = !netdevice.link.message.carrier;
            return notify(netdevice.link.message);
        }
        case 7:
            journal_.add("up or down: " + std::to_string(ifindex));
            netdevice.link.message.flags ^= IFF_UP;
            return notify(netdevice.link.message);
        default:
            if (random_.one_in(2))
                return swap_names(netdevice, random_.of(netdevices_).second);
            return move_away_and_back(ifindex);
        }
    }

    // ---- The socket.

    /// Notifications are lost from now on until the reader receives the overrun.
    void overflow() {
        if (!std::exchange(overflowing_, true))
            journal_.add("-- notifications are lost from here");
    }
    [[nodiscard]] bool has_lost() const { return lost_; }
    [[nodiscard]] bool listing() const { return stage_ != Stage::idle; }

    /// The reader receives the overrun and requests a dump.
    void start_listing() {
        journal_.add("-- a listing begins");
        overflowing_ = false;
        lost_ = false;
        queue_.emplace_back(DumpBegin{});
        stage_ = Stage::links;
        position_ = 0;
    }

    /// The kernel continues the dump by some netdevices.
    void continue_listing() {
        if (lost_) // lost during the dump: LinkMonitor starts it again
            return start_listing();
        std::size_t count = 1 + random_.below(4);
        auto next = netdevices_.upper_bound(position_);
        for (; next != netdevices_.end() && count > 0; ++next, --count) {
            position_ = next->first;
            if (stage_ == Stage::links)
                queue_.emplace_back(next->second.link.message);
            else
                for (const auto &address : next->second.addresses)
                    queue_.emplace_back(AddressMessage{.address = address, .gone = false});
        }
        if (next != netdevices_.end())
            return;
        position_ = 0;
        if (stage_ == Stage::links) {
            // Where netdevices changed meanwhile, Linux may say that the listing is not
            // consistent (NLM_F_DUMP_INTR): another follows.
            if (random_.one_in(8))
                return start_listing();
            stage_ = Stage::addresses;
        } else {
            stage_ = Stage::idle;
            queue_.emplace_back(DumpDone{});
            journal_.add("-- the listing is complete");
        }
    }

    [[nodiscard]] std::optional<NetlinkEvent> receive() {
        if (queue_.empty())
            return std::nullopt;
        NetlinkEvent event = std::move(queue_.front());
        queue_.pop_front();
        return event;
    }

private:
    enum class Stage { idle, links, addresses };

    void notify(NetlinkEvent event) {
        if (overflowing_)
            lost_ = true;
        else
            queue_.push_back(std::move(event));
    }

    void add(Link link) {
        const int ifindex = link.ifindex();
        journal_.add("add " + std::to_string(ifindex) + " " + link.name() +
                     (link.facts.netvsc ? " (netvsc)" : "") +
                     (link.facts.pci ? " (" + link.facts.pci->to_string() + ")" : "") +
                     (link.message.software ? " (software)" : "") + " " +
                     link.message.mac->to_string());
        notify(link.message);
        netdevices_[ifindex] = {.link = std::move(link), .addresses = {}};
    }
    void add_netvsc() {
        if (const auto mac = free_netvsc_mac()) {
            Link link = test::netvsc(free_name(), next_ifindex_++, *mac);
            if (random_.one_in(2))
                link.message.permanent_mac = mac;
            add(std::move(link));
        }
    }
    void add_vf() {
        const PciAddress pci{.domain = 0,
                             .bus = static_cast<std::uint8_t>(1 + random_.below(6)),
                             .device = 0,
                             .function = 0};
        if (has_pci(pci))
            return;
        Link link = test::vf(free_name(), next_ifindex_++, vf_mac(), pci.to_string());
        if (random_.one_in(3))
            link.message.permanent_mac = test::mac(200);
        if (random_.one_in(2))
            link.message.flags = IFF_UP;
        add(std::move(link));
    }
    void notify_removed(const PciAddress &pci) {
        if (random_.one_in(6))
            removed_.lost = true;
        else
            removed_.reported.push_back(pci);
    }
    void remove(int ifindex) {
        const auto pci = netdevices_.at(ifindex).link.facts.pci;
        remove_netdevice(ifindex);
        if (pci)
            notify_removed(*pci);
    }
    void remove_netdevice(int ifindex) {
        journal_.add("delete " + std::to_string(ifindex));
        Netdevice &netdevice = netdevices_.at(ifindex);
        if ((netdevice.link.message.flags & IFF_UP) != 0)
            take_down(netdevice);
        for (const auto &address : netdevice.addresses)
            notify(AddressMessage{.address = address, .gone = true});
        netdevices_.erase(ifindex);
        notify(LinkGone{.ifindex = ifindex});
    }
    void take_down(Netdevice &netdevice) {
        netdevice.link.message.flags &= ~std::uint32_t{IFF_UP};
        notify(netdevice.link.message);
    }
    void rename(Netdevice &netdevice, const std::string &name) {
        journal_.add("rename " + std::to_string(netdevice.link.ifindex()) + " to " + name);
        netdevice.link.message.name = name;
        notify(netdevice.link.message);
    }
    void swap_names(Netdevice &one, Netdevice &other) {
        if (&one == &other)
            return;
        const std::string name = one.link.name();
        const std::string other_name = other.link.name();
        rename(one, free_name());
        rename(other, name);
        rename(one, other_name);
    }
    void change_mac(Netdevice &netdevice) {
        if (macs_stay)
            return;
        LinkMessage &message = netdevice.link.message;
        if (netdevice.link.facts.netvsc) {
            const auto mac = free_netvsc_mac();
            if (!mac)
                return;
            message.mac = mac;
        } else if (netdevice.link.facts.pci) {
            // One VF must not be wanted by two NetVSCs: by its current address and by its
            // permanent one.
            if (message.permanent_mac != test::mac(200))
                message.permanent_mac = test::mac(200);
            message.mac = vf_mac();
        } else {
            return;
        }
        journal_.add("mac of " + std::to_string(message.ifindex) + " is " +
                     message.mac->to_string());
        notify(message);
    }
    void change_addresses(Netdevice &netdevice) {
        const int ifindex = netdevice.link.ifindex();
        if (!netdevice.addresses.empty() && random_.one_in(2)) {
            const InterfaceAddress address = random_.of(netdevice.addresses);
            netdevice.addresses.erase(address);
            journal_.add("remove an address from " + std::to_string(ifindex));
            return notify(AddressMessage{.address = address, .gone = true});
        }
        const InterfaceAddress address =
            test::ipv4(ifindex, static_cast<std::uint8_t>(1 + random_.below(3)));
        netdevice.addresses.insert(address);
        journal_.add("add an address to " + std::to_string(ifindex));
        notify(AddressMessage{.address = address, .gone = false});
    }
    // To another network namespace and back, where it gets its ifindex again.
    void move_away_and_back(int ifindex) {
        Link link = netdevices_.at(ifindex).link;
        remove_netdevice(ifindex);
        if (random_.one_in(2))
            add(std::move(link));
        else if (random_.one_in(2)) // or another gets that ifindex
            add(test::software(link.name(), ifindex, test::mac(5)));
    }

    std::string free_name() {
        static const std::vector<std::string> names{"eth0", "eth1", "eth2",  "eth3", "eth4",
                                                    "eth5", "wan",  "a,b=c", "x(y)"};
        const std::string name = random_.of(names);
        const auto taken = [&](const auto &entry) { return entry.second.link.name() == name; };
        if (!std::ranges::any_of(netdevices_, taken))
            return name;
        return "spare" + std::to_string(next_name_++);
    }
    std::optional<MacAddress> free_netvsc_mac() {
        const MacAddress mac = test::mac(1 + static_cast<unsigned>(random_.below(5)));
        const auto taken = [&](const auto &entry) {
            return entry.second.link.facts.netvsc && entry.second.link.has_mac(mac);
        };
        return std::ranges::any_of(netdevices_, taken) ? std::nullopt : std::optional(mac);
    }
    // A NetVSC's, mostly.
    MacAddress vf_mac() { return test::mac(1 + static_cast<unsigned>(random_.below(6))); }

    Random &random_;
    Journal &journal_;
    std::map<int, Netdevice> netdevices_;
    std::map<PciAddress, Link> bound_; ///< functions without netdevice, and what it was
    Removed removed_;
    int next_ifindex_ = 2;
    int next_name_ = 0;

    std::deque<NetlinkEvent> queue_;
    bool overflowing_ = false;
    bool lost_ = false;
    Stage stage_ = Stage::idle;
    int position_ = 0;
};

} // namespace netvsc::simulation
