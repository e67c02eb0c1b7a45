// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "threads.hpp"

namespace netvsc::simulation {

class Simulation {
public:
    explicit Simulation(std::uint64_t seed)
        : random_(seed), kernel_(random_, journal_),
          threads_(random_, journal_, kernel_, supervisor_) {
        threads_.step_of_others = [this] { step(); };
    }

    void run(int rounds) {
        kernel_.macs_stay = bind_;
        for (int i = 0; i < 6; ++i)
            kernel_.change_something();
        kernel_.overflow(); // drops the notifications from before the reader existed
        kernel_.start_listing();
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < 60; ++i)
                step();
            rest();
            check();
        }
    }

    [[nodiscard]] std::string journal() const { return journal_.text(); }
    /// The number of each kind of action.
    [[nodiscard]] std::map<std::string, int> statistics() const {
        auto result = threads_.statistics;
        for (const auto &[what, times] : threads_.devices.statistics)
            result[what] += times;
        result["listing"] = listings_;
        result["rescan"] = rescans_;
        result["leaving"] = leaving_;
        result["VF bound at the end"] = static_cast<int>(kernel_.bound().size());
        for (const auto &port : supervisor_.ports()) {
            ++result["port at the end"];
            result["VF attached at the end"] += port.vf ? 1 : 0;
        }
        return result;
    }

private:
    void step() {
        threads_.devices.faults = true;
        const std::size_t what = random_.below(46);
        if (what < 10)
            kernel_.change_something();
        else if (what < 22)
            read();
        else if (what < 33)
            threads_.step();
        else if (what == 33 && random_.one_in(4))
            kernel_.overflow();
        else if (what == 34)
            continue_listing();
        else if (what == 35)
            pass_time();
        else if (what == 36)
            add_instance();
        else if (what == 37 && random_.one_in(3))
            remove_instance();
        else if (what == 38 && random_.one_in(4))
            close_a_port();
        else if (what == 39)
            report_a_removed_function();
        else if (what == 40)
            recover_a_vf();
        else if (what == 41)
            random_.one_in(2) ? threads_.devices.lose_a_vf_port()
                              : threads_.devices.application_detaches();
        else if (what == 42)
            read_uevents();
        else if (what == 43 && random_.one_in(2))
            kernel_.pull_one_out();
        else if (what == 44)
            request_the_release_of_a_vf();
        else if (what == 45 && random_.one_in(2))
            threads_.devices.raise_a_removal();
    }

    // ---- The kernel's side.

    void read() {
        if (const auto event = kernel_.receive())
            std::visit([this](const auto &one) { take(one); }, *event);
        // A netdevice that was removed and added again is another one.
        std::erase_if(excused_, [this](const auto &entry) {
            return supervisor_.links().find(entry.first) == nullptr;
        });
    }
    void read_uevents() {
        const auto removed = kernel_.receive_uevents();
        for (const PciAddress &pci : removed.reported) {
            journal_.add("read: PCI function " + pci.to_string() + " was removed");
            remove_function(pci);
        }
        if (!removed.lost)
            return;
        ++rescans_;
        for (const PciAddress &pci : supervisor_.vfs()) {
            if (!kernel_.has_pci(pci))
                remove_function(pci);
        }
    }
    void remove_function(const PciAddress &pci) {
        const VfEvent event = VfFunctionRemoved{.replaced = kernel_.has_pci(pci)};
        threads_.carry_out(supervisor_.vf_event(pci, event, threads_.devices.time));
    }
    void take(const LinkMessage &message) {
        if (const auto pci = supervisor_.may_be_leaving(message); pci && !kernel_.has_pci(*pci)) {
            ++leaving_;
            journal_.add("read: " + std::to_string(message.ifindex) + " is leaving");
            return threads_.carry_out(supervisor_.link_leaving(message.ifindex));
        }
        std::optional<DeviceFacts> facts;
        if (supervisor_.wants_facts(message))
            facts = kernel_.sysfs(message);
        journal_.add("read: " + std::to_string(message.ifindex) + " " + message.name);
        threads_.carry_out(supervisor_.link(message, facts));
    }
    void take(const LinkGone &gone) {
        journal_.add("read: " + std::to_string(gone.ifindex) + " was removed");
        threads_.carry_out(supervisor_.link_gone(gone.ifindex));
    }
    void take(const AddressMessage &message) {
        threads_.carry_out(supervisor_.address(message, threads_.devices.time));
    }
    void take(DumpBegin) { supervisor_.begin_listing(); }
    void take(DumpDone) {
        ++listings_;
        journal_.add("read: end of the listing");
        threads_.carry_out(supervisor_.end_listing(threads_.devices.time));
    }
    void continue_listing() {
        if (kernel_.listing())
            kernel_.continue_listing();
        else if (kernel_.has_lost())
            kernel_.start_listing();
    }

    // ---- DPDK's side.

    /// EAL's device event of a removed PCI function.
    void report_a_removed_function() {
        for (const PciAddress &pci : supervisor_.vfs()) {
            const auto number = supervisor_.port_with_vf(pci);
            const auto port = threads_.devices.ports().find(*number);
            if (kernel_.has_pci(pci) || port == threads_.devices.ports().end() ||
                !port->second->created)
                continue;
            journal_.add("device event: " + pci.to_string() + " is removed");
            return remove_function(pci);
        }
    }
    /// A VF's PMD has an error and recovers, or does not.
    void recover_a_vf() {
        for (const auto &[pci, owner] : threads_.devices.vf_ports()) {
            if (!owner || !random_.one_in(2))
                continue;
            const VfId vf(pci);
            const bool success = random_.one_in(2);
            journal_.add(vf.pci.to_string() + (success ? " recovers" : " does not recover"));
            threads_.carry_out(supervisor_.vf_event(vf, VfRecovering{}, threads_.devices.time));
            return threads_.carry_out(
                supervisor_.vf_event(vf, VfRecovered{.success = success}, threads_.devices.time));
        }
    }
    /// vfio requests the release of a present VF, or EAL's monitor reports a removal late.
    void request_the_release_of_a_vf() {
        for (const PciAddress &pci : supervisor_.vfs()) {
            if (!kernel_.has_pci(pci) || !random_.one_in(2))
                continue;
            journal_.add("release of " + pci.to_string() + " is requested");
            return threads_.carry_out(
                supervisor_.vf_event(pci, VfReleaseRequested{}, threads_.devices.time));
        }
    }

    // ---- The user's side.

    void add_instance() {
        if (instances_.size() >= 3)
            return;
        static const std::vector<std::string> names{"eth0", "eth1", "eth2", "eth3", "wan"};
        std::vector<KeyValue> pairs{{.key = "ignore", .value = random_.one_in(10) ? "1" : "0"}};
        for (auto count = random_.below(4); count > 0; --count) {
            if (random_.one_in(2))
                pairs.push_back({.key = "iface", .value = random_.of(names)});
            else
                pairs.push_back(
                    {.key = "mac",
                     .value = test::mac(1 + static_cast<unsigned>(random_.below(5))).to_string()});
        }
        if (bind_)
            pairs.push_back({.key = "vf_bind", .value = "vfio-pci"});
        const InstanceId id = next_instance_++;
        std::string line = "add instance " + std::to_string(id);
        for (const auto &[key, value] : pairs)
            line += " " + key + "=" + value;
        journal_.add(std::move(line));
        Arguments arguments = Arguments::parse(pairs).value();
        auto added = supervisor_.add_instance(id, "instance" + std::to_string(id), arguments);
        require(added.has_value(), "an instance was refused");
        instances_[id] = std::move(arguments);
        threads_.carry_out(std::move(*added));
    }
    void remove_instance() {
        if (instances_.empty())
            return;
        const InstanceId id = random_.of(instances_).first;
        journal_.add("remove instance " + std::to_string(id));
        instances_.erase(id);
        // A netdevice whose port ends with its instance is not offered to the others at once.
        for (const auto &port : supervisor_.ports())
            excuse(port.ifindex);
        threads_.carry_out(supervisor_.remove_instance(id));
    }
    void close_a_port() {
        const auto views = supervisor_.ports();
        if (views.empty())
            return;
        const auto &view = random_.of(views);
        if (threads_.application_closes(view.number))
            excuse(view.ifindex);
    }
    // The netdevice need not become a port of the present instances.
    void excuse(int ifindex) {
        if (ifindex != 0) {
            for (const auto &[id, arguments] : instances_)
                excused_.emplace(ifindex, id);
        }
    }

    // ---- Time.

    void pass_time() {
        const auto deadline = supervisor_.deadline();
        if (deadline && random_.one_in(2))
            threads_.devices.time = std::max(threads_.devices.time, *deadline);
        else
            threads_.devices.time += std::chrono::milliseconds(random_.below(100));
        threads_.carry_out(supervisor_.elapsed(threads_.devices.time));
    }

    /// Finishes all pending work, without new actions.
    void rest() {
        journal_.add("-- at rest from here");
        threads_.devices.faults = false;
        for (int i = 0; i < 10'000; ++i) {
            threads_.finish();
            if (kernel_.listing() || kernel_.has_lost()) {
                continue_listing();
                read();
            } else if (pending()) {
                continue;
            } else if (kernel_.has_uevents()) {
                read_uevents();
            } else if (const auto deadline = supervisor_.deadline()) {
                threads_.devices.time = std::max(threads_.devices.time, *deadline);
                threads_.carry_out(supervisor_.elapsed(threads_.devices.time));
            } else {
                return;
            }
        }
        throw Violation("it never comes to rest");
    }
    bool pending() {
        const auto event = kernel_.receive();
        if (event)
            std::visit([this](const auto &one) { take(one); }, *event);
        return event.has_value();
    }

    // ---- Invariants when nothing is pending.

    void check() const {
        check_links();
        check_which_are_ports();
        check_ports();
        check_dpdk();
    }

    void check_links() const {
        const LinkTable &table = supervisor_.links();
        require(table.size() == kernel_.netdevices().size(), "number of netdevices");
        std::vector<const Link *> netvscs;
        for (const auto &[ifindex, netdevice] : kernel_.netdevices()) {
            const std::string about = "netdevice " + std::to_string(ifindex);
            const Link *known = table.find(ifindex);
            require(known != nullptr, about + " is not known");
            require(*known == netdevice.link, about + " is not known as it is");
            require(table.find(netdevice.link.name()) == known, about + " is not found by name");
            require(table.is_routed(ifindex) == !netdevice.addresses.empty(),
                    about + " is not known to be (un)routed");
            const auto same_mac = table.with_mac(*netdevice.link.message.mac);
            require(netdevice.link.message.software !=
                        (std::ranges::find(same_mac, known) != same_mac.end()),
                    about + " is not found by MAC, or is software and is");
            if (netdevice.link.is_netvsc())
                netvscs.push_back(known);
        }
        require(table.netvscs() == netvscs, "the list of NetVSCs");
    }

    [[nodiscard]] bool must_be_port(const Kernel::Netdevice &netdevice) const {
        const Link &link = netdevice.link;
        if (!link.is_netvsc() || !safe_in_devargs(link.name()))
            return false;
        return std::ranges::any_of(instances_, [&](const auto &entry) {
            const auto &[id, wanted] = entry;
            if (wanted.ignore || excused_.contains({link.ifindex(), id}))
                return false;
            if (wanted.automatic())
                return netdevice.addresses.empty();
            const auto names_it = [&](const MacAddress &mac) { return link.has_mac(mac); };
            return std::ranges::find(wanted.interfaces, link.name()) != wanted.interfaces.end() ||
                   std::ranges::any_of(wanted.macs, names_it);
        });
    }
    void check_which_are_ports() const {
        std::map<int, PortNumber> attached;
        for (const auto &port : supervisor_.ports()) {
            if (port.ifindex == 0)
                continue;
            require(attached.emplace(port.ifindex, port.number).second,
                    "two ports for netdevice " + std::to_string(port.ifindex));
        }
        require(attached.empty() || !instances_.empty(), "a port without any instance");
        for (const auto &[ifindex, netdevice] : kernel_.netdevices()) {
            if (must_be_port(netdevice))
                require(attached.contains(ifindex),
                        "netdevice " + std::to_string(ifindex) + " is not a port");
        }
    }

    void check_ports() const {
        for (const auto &port : supervisor_.ports()) {
            const std::string about = "port " + std::to_string(port.number);
            const auto at_device = threads_.devices.ports().find(port.number);
            require(at_device != threads_.devices.ports().end() && at_device->second->created,
                    about + " is not there");
            require(at_device->second->removal_reported == (port.ifindex == 0),
                    about + ": removal (not) reported");
            if (port.ifindex == 0) {
                require(!port.vf, about + " has a VF without a NetVSC");
                continue;
            }
            const auto below = kernel_.netdevices().find(port.ifindex);
            require(below != kernel_.netdevices().end(),
                    about + " has a netdevice that was removed");
            require(below->second.link.is_netvsc(), about + " is not of a NetVSC");
            require(below->second.link.name() == port.netdevice, about + ": name");
            check_vf(port, below->second.link, !at_device->second->bind.empty());
            const auto &last = threads_.reported().at(static_cast<std::uint16_t>(port.number));
            require(last.has_value() == port.vf.has_value(),
                    about + ": VF reported or not, wrongly");
            require(!last || (last->vf == port.vf && last->type == EventType::vf_attached),
                    about + ": VF not reported as attached");
        }
        require(threads_.reported().size() == supervisor_.ports().size(),
                "a removed port that was not reported");
        require(threads_.devices.ports().size() == supervisor_.ports().size(),
                "a port that nobody knows");
    }
    void check_vf(const Supervisor::PortView &port, const Link &below, bool bind) const {
        std::set<PciAddress> candidates;
        for (const auto &[ifindex, netdevice] : kernel_.netdevices()) {
            const Link &link = netdevice.link;
            // One that has an IP address is not bound.
            if (link.facts.pci && !(bind && !netdevice.addresses.empty()) &&
                ((link.message.mac && below.has_mac(*link.message.mac)) ||
                 (link.message.permanent_mac && below.has_mac(*link.message.permanent_mac))))
                candidates.insert(*link.facts.pci);
        }
        const std::string about = "port " + std::to_string(port.number);
        // A bound VF has no netdevice that shows its port, so it stays.
        const bool bound = bind && port.vf && kernel_.bound().contains(*port.vf);
        require(bound || port.vf.has_value() == !candidates.empty(),
                about + " has a VF or none, wrongly");
        if (!port.vf)
            return;
        require(bind == bound, about + ": its VF is (not) bound");
        require(bound || candidates.contains(*port.vf), about + " has a VF that is not its own");
        require(port.vf_state == VfState::attached, about + ": VF not attached");
    }

    void check_dpdk() const {
        std::map<PciAddress, PortNumber> wanted;
        for (const auto &port : supervisor_.ports()) {
            if (port.vf)
                require(wanted.emplace(*port.vf, port.number).second,
                        "two ports with VF " + port.vf->to_string());
        }
        for (const auto &[pci, link] : kernel_.bound())
            require(wanted.contains(pci), "VF " + pci.to_string() + " is bound for nothing");
        for (const auto &[number, port] : threads_.devices.ports()) {
            require(!port->pipe ||
                        (wanted.contains(*port->pipe) && wanted.at(*port->pipe) == number),
                    "the pipe of port " + std::to_string(number) + " holds a VF not its own");
        }
        for (const auto &[pci, owner] : threads_.devices.vf_ports()) {
            require(kernel_.has_pci(pci),
                    "VF " + pci.to_string() + " was removed, its port was not");
            require(wanted.contains(pci), "VF " + pci.to_string() + " is probed for nothing");
            require(owner == wanted.at(pci), "VF " + pci.to_string() + " is in the wrong port");
        }
        for (const auto &[pci, number] : wanted)
            require(threads_.devices.vf_ports().contains(pci),
                    "VF " + pci.to_string() + " has no port");
    }

    Random random_;
    Journal journal_;
    Kernel kernel_;
    Supervisor supervisor_;
    Threads threads_;
    std::map<InstanceId, Arguments> instances_;
    InstanceId next_instance_ = 0;
    int listings_ = 0;
    int rescans_ = 0;
    int leaving_ = 0;
    // All instances or none. Then MAC addresses stay, or a VF that is just being bound could have
    // changed its port before its netdevice was removed.
    const bool bind_ = random_.one_in(2);
    std::set<std::pair<int, InstanceId>> excused_;
};

} // namespace netvsc::simulation
