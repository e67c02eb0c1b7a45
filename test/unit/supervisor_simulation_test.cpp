// SPDX-License-Identifier: BSD-3-Clause
//
// The Supervisor between a simulated kernel and a simulated DPDK, both of which do what they do
// at random: netdevices of every kind come, go, move and change, notifications get lost and a
// listing follows, VFs are bound to another kernel driver and lose their netdevice by that, their
// PCI functions are pulled out, ports, binds and probes fail, fail-safe looks into its pipe at any
// time, the application closes ports, instances come and go. Whenever all has come to rest, what
// must then be so is worked out from the simulated kernel alone and held against what is.
//
// NETVSC_SIMULATION_SEEDS=n runs n seeds, NETVSC_SIMULATION_SEED=s that one.

#include "commands.hpp"
#include "netdevices.hpp"
#include "supervisor.hpp"

#include <cstdlib>
#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <stdexcept>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

/// What must not be.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void require(bool holds, const std::string &what) {
    if (!holds)
        throw Violation(what);
}

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    /// 0 to @p limit - 1
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <typename Range> auto &of(Range &range) {
        return *std::next(range.begin(), static_cast<std::ptrdiff_t>(below(range.size())));
    }

private:
    std::mt19937_64 engine_;
};

/// The last things that happened, for who has to understand a failure.
class Journal {
public:
    void add(std::string line) {
        lines_.push_back(std::move(line));
        if (lines_.size() > 120)
            lines_.pop_front();
    }
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const std::string &line : lines_)
            all += "  " + line + "\n";
        return all;
    }

private:
    std::deque<std::string> lines_;
};

// ---- The kernel.

/// Netdevices, and the one socket by which their changes and their listings are told.
class Kernel {
public:
    Kernel(Random &random, Journal &journal) : random_(random), journal_(journal) {}

    struct Netdevice {
        Link link;
        std::set<InterfaceAddress> addresses;
    };
    bool macs_stay = false;
    [[nodiscard]] const std::map<int, Netdevice> &netdevices() const { return netdevices_; }
    [[nodiscard]] bool ever_routed(int ifindex) const { return routed_.contains(ifindex); }
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
    /// Its own driver has it again, and gives it a new netdevice.
    void give_back(const PciAddress &pci) {
        auto node = bound_.extract(pci);
        if (!node)
            return;
        Link link = std::move(node.mapped());
        link.message.ifindex = next_ifindex_++;
        link.message.name = free_name();
        add(std::move(link));
    }
    /// A function without netdevice is pulled out.
    void pull_one_out() {
        if (bound_.empty())
            return;
        const PciAddress pci = random_.of(bound_).first;
        journal_.add("PCI function " + pci.to_string() + " is pulled out");
        bound_.erase(pci);
        notify_removed(pci);
    }
    /// PCI functions that have gone, as uevents tell. lost: some were not told.
    struct Removed {
        std::vector<PciAddress> told;
        bool lost = false;
    };
    [[nodiscard]] Removed receive_uevents() { return std::exchange(removed_, {}); }
    [[nodiscard]] bool has_uevents() const { return removed_.lost || !removed_.told.empty(); }

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
        switch (random_.below(8)) {
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
        default:
            if (random_.one_in(2))
                return swap_names(netdevice, random_.of(netdevices_).second);
            return move_away_and_back(ifindex);
        }
    }

    // ---- The socket.

    /// From now on until the reader has been told, notifications are lost.
    void overflow() {
        if (!std::exchange(overflowing_, true))
            journal_.add("-- notifications are lost from here");
    }
    [[nodiscard]] bool has_lost() const { return lost_; }
    [[nodiscard]] bool listing() const { return stage_ != Stage::idle; }

    /// The reader learns that notifications were lost, and asks for a listing.
    void start_listing() {
        journal_.add("-- a listing begins");
        overflowing_ = false;
        lost_ = false;
        queue_.emplace_back(DumpBegin{});
        stage_ = Stage::links;
        position_ = 0;
    }

    /// The kernel goes on with the listing by some netdevices.
    void continue_listing() {
        if (lost_) // lost while listing: LinkMonitor begins anew
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
        add(std::move(link));
    }
    void notify_removed(const PciAddress &pci) {
        if (random_.one_in(6))
            removed_.lost = true;
        else
            removed_.told.push_back(pci);
    }
    void remove(int ifindex) {
        const auto pci = netdevices_.at(ifindex).link.facts.pci;
        remove_netdevice(ifindex);
        if (pci)
            notify_removed(*pci);
    }
    void remove_netdevice(int ifindex) {
        journal_.add("delete " + std::to_string(ifindex));
        for (const auto &address : netdevices_.at(ifindex).addresses)
            notify(AddressMessage{.address = address, .gone = true});
        netdevices_.erase(ifindex);
        notify(LinkGone{.ifindex = ifindex});
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
        routed_.insert(ifindex);
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
    std::set<int> routed_; ///< has had an address at some time
    int next_ifindex_ = 2;
    int next_name_ = 0;

    std::deque<NetlinkEvent> queue_;
    bool overflowing_ = false;
    bool lost_ = false;
    Stage stage_ = Stage::idle;
    int position_ = 0;
};

// ---- DPDK, with the driver's edge.

/// What the driver's edge (driver.cpp) makes of commands, and DPDK and the application of that.
class Edge {
public:
    Edge(Random &random, Journal &journal, Kernel &kernel, Supervisor &supervisor)
        : random_(random), journal_(journal), kernel_(kernel), supervisor_(supervisor) {
        // Names of devices that are not ours.
        if (random_.one_in(2))
            carried_.insert(static_cast<PortNumber>(random_.below(3)));
    }

    TimePoint now{1h};
    bool faults = true; ///< things may fail
    std::map<std::string, int> statistics;

    struct Port {
        bool made = false;
        std::string netdevice;
        std::string bind;
        std::optional<PciAddress> vf_to_probe; ///< with which it is being made
        std::optional<PciAddress> pipe;
        std::optional<PciAddress> sub_device; ///< what fail-safe has taken
        bool removal_reported = false;
    };
    [[nodiscard]] const std::map<PortNumber, Port> &ports() const { return ports_; }
    [[nodiscard]] const auto &told() const { return told_; }
    /// VFs' ethdev ports, with the fail-safe port that owns them.
    [[nodiscard]] const std::map<PciAddress, std::optional<PortNumber>> &vf_ports() const {
        return vf_ports_;
    }

    void carry_out(Commands commands) {
        for (Command &command : commands) {
            std::string text = test::text_of(command);
            ++statistics[text.substr(0, text.find(' '))];
            journal_.add("     " + std::move(text));
            if (!std::holds_alternative<Message>(command))
                check_known(command);
            std::visit([this](const auto &one) { take(one); }, command);
        }
    }

    /// Something that is due, or that may happen by itself, happens. @return whether it did
    bool step() {
        switch (random_.below(4)) {
        case 0:
            return make_a_port() || run_queued();
        case 1:
            return destroy_a_port() || release_a_vf() || run_queued();
        case 2:
            return failsafe_polls();
        default:
            return run_queued() || make_a_port();
        }
    }
    /// Everything that is under way is done.
    void finish() {
        while (run_queued() || make_a_port() || destroy_a_port() || release_a_vf() ||
               failsafe_polls())
            ;
    }

    /// The application closes a port, unless that is just about to be done.
    bool application_closes(PortNumber number) {
        if (!ports_.contains(number) || to_destroy_.contains(number))
            return false;
        journal_.add("the application closes port " + std::to_string(number));
        if (random_.one_in(2)) // but does not detach the device
            carried_.insert(number);
        close(number);
        return true;
    }
    void application_detaches() { carried_.clear(); }

    /// The kernel's uevent of a PCI function that is gone, or EAL's device event.
    void tell_of_gone_pci() {
        for (const PciAddress &pci : supervisor_.vfs()) {
            const auto number = supervisor_.port_with_vf(pci);
            if (!kernel_.has_pci(pci) && ports_.contains(*number) && ports_.at(*number).made) {
                journal_.add("told that " + pci.to_string() + " is gone");
                return answer(supervisor_.pci_removed(pci, kernel_.has_pci(pci)));
            }
        }
    }
    /// The driver of a VF has an error, and mends it or not.
    void recover_a_vf() {
        for (const auto &[pci, owner] : vf_ports_) {
            if (!owner || !random_.one_in(2))
                continue;
            const PciAddress address = pci;
            const bool success = random_.one_in(2);
            journal_.add(address.to_string() + (success ? " recovers" : " does not recover"));
            answer(supervisor_.vf_recovering(address));
            return answer(supervisor_.vf_recovered(address, success));
        }
    }

    /// A VF's port is closed by its driver, or by anyone.
    void lose_a_vf_port() {
        if (!vf_ports_.empty()) {
            const PciAddress pci = random_.of(vf_ports_).first;
            const bool by_application = random_.one_in(2);
            journal_.add("the port of " + pci.to_string() + " is closed" +
                         (by_application ? " by the application" : ""));
            close_vf_port(pci, by_application);
        }
    }

private:
    // Those whose number the supervisor does not know, or a number given twice, are errors.
    void check_known(const Command &command) const {
        std::visit(
            [this](const auto &one) {
                if constexpr (requires { one.number; }) {
                    using Kind = std::decay_t<decltype(one)>;
                    if constexpr (std::is_same_v<Kind, CreatePort>)
                        require(!ports_.contains(one.number),
                                "port " + std::to_string(one.number) + " is there already");
                    else if constexpr (!std::is_same_v<Kind, Report>)
                        require(ports_.contains(one.number),
                                "there is no port " + std::to_string(one.number));
                }
            },
            command);
    }

    void take(const CreatePort &command) {
        require(safe_in_devargs(command.netdevice), "a name that is not safe in device arguments");
        ports_[command.number] = {.netdevice = command.netdevice,
                                  .bind = command.bind,
                                  .vf_to_probe = command.vf ? std::optional(command.vf->id.pci)
                                                            : std::nullopt};
    }
    // What is told of a port and its VF must make sense to one who knows nothing else.
    void take(const Report &event) {
        const std::string about = test::text_of(event);
        if (event.type == EventType::port_added) {
            require(told_.emplace(event.number, std::nullopt).second, about + " twice");
            return;
        }
        const auto port = told_.find(event.number);
        require(port != told_.end(), about + " of a port not told to be there");
        auto &vf = port->second;
        require(event.vf.has_value(), about + " without a VF");
        if (event.type == EventType::vf_present) {
            require(!vf, about + " while there is one");
        } else {
            require(vf && vf->vf == event.vf, about + " of a VF not told to be there");
            require(vf->type != event.type, about + " twice");
        }
        vf = event.type == EventType::vf_removed ? std::nullopt : std::optional(event);
    }
    void take(const DestroyPort &command) { to_destroy_.insert(command.number); }
    void take(const ReleaseVf &command) { to_release_.push_back(command); }
    void take(const Message &) {}
    void take(const auto &command) { queue_.emplace_back(command); }

    // Making a port: first its VF is probed, then the port itself is made, each at its time.
    bool make_a_port() {
        for (auto &[number, port] : ports_) {
            if (port.made)
                continue;
            if (port.vf_to_probe) {
                const PciAddress pci = *std::exchange(port.vf_to_probe, std::nullopt);
                prepare(number, port, pci, port.bind);
            } else if (const int error = carried_.contains(number) ? EEXIST
                                         : fault(4)                ? ENOMEM
                                                                   : 0;
                       error != 0) {
                const PortNumber failed = number;
                ports_.erase(failed);
                journal_.add("port " + std::to_string(failed) + " fails: " + std::to_string(error));
                answer(supervisor_.port_failed(failed, error, now));
            } else {
                port.made = true;
                journal_.add("port " + std::to_string(number) + " is made");
                answer(supervisor_.port_created(number));
            }
            return true;
        }
        return false;
    }
    bool destroy_a_port() {
        if (to_destroy_.empty())
            return false;
        const PortNumber number = *to_destroy_.begin();
        to_destroy_.erase(number);
        if (ports_.contains(number))
            close(number);
        return true;
    }
    void close(PortNumber number) {
        if (const auto vf = ports_.at(number).sub_device)
            close_vf_port(*vf);
        ports_.erase(number);
        told_.erase(number);
        // From here on the number may be another port's.
        std::erase_if(queue_, [number](const Command &queued) {
            return std::visit(
                [number]<typename Kind>(const Kind &one) {
                    if constexpr (std::is_same_v<Kind, Withdraw> || !requires { one.number; })
                        return false;
                    else
                        return one.number == number;
                },
                queued);
        });
        answer(supervisor_.port_gone(number));
    }

    // In the thread that closed the port, while others go on.
    bool release_a_vf() {
        if (to_release_.empty())
            return false;
        const ReleaseVf command = to_release_.front();
        to_release_.pop_front();
        if (const auto port = vf_ports_.find(command.vf.pci);
            port != vf_ports_.end() && !port->second)
            close_vf_port(command.vf.pci);
        if (command.give_back)
            give_back(command.vf.pci);
        answer(supervisor_.vf_released(command.vf.pci));
        return true;
    }

    // The interrupt thread's commands, in their order.
    bool run_queued() {
        if (queue_.empty())
            return false;
        const Command command = std::move(queue_.front());
        queue_.pop_front();
        journal_.add("run: " + test::text_of(command));
        if (const auto *announce = std::get_if<Announce>(&command))
            run(*announce);
        else if (const auto *withdraw = std::get_if<Withdraw>(&command))
            run(*withdraw);
        else if (const auto *check = std::get_if<CheckVf>(&command))
            run(*check);
        else if (const auto *report = std::get_if<ReportRemoval>(&command))
            run(*report);
        else if (const auto *returned = std::get_if<GiveBack>(&command))
            run(*returned);
        return true;
    }
    void run(const GiveBack &command) {
        give_back(command.vf.pci);
        answer(supervisor_.vf_released(command.vf.pci));
    }
    void run(const Announce &command) {
        const auto port = ports_.find(command.number);
        if (port == ports_.end())
            return;
        if (command.only_if_started && fault(2)) // the application has stopped the port
            return supervisor_.vf_held_back(command.number, command.vf.id.pci, now);
        prepare(command.number, port->second, command.vf.id.pci, command.bind);
    }
    void prepare(PortNumber number, Port &port, const PciAddress &pci, const std::string &bind) {
        if (!bind.empty()) {
            if (!bind_vf(pci)) {
                ++statistics["failed bind"];
                return answer(
                    supervisor_.vf_bind_failed(number, pci, "the driver did not take it", now));
            }
            if (auto let_go = supervisor_.vf_bound(number, pci); !let_go.empty())
                return answer(std::move(let_go));
        }
        const int error = probe(pci);
        port.pipe = error == 0 ? std::optional(pci) : std::nullopt;
        answer(supervisor_.vf_probed(number, pci, error, now));
    }
    bool bind_vf(const PciAddress &pci) {
        if (kernel_.bound().contains(pci))
            return true;
        if (!kernel_.has_pci(pci) || fault(8)) // there is no such driver
            return false;
        require(kernel_.bind(pci), "a function that is neither bound nor not");
        if (!fault(6))
            return true;
        kernel_.give_back(pci); // the driver does not take the device
        return false;
    }
    void give_back(const PciAddress &pci) {
        require(!vf_ports_.contains(pci), pci.to_string() + " is given back while it is in use");
        kernel_.give_back(pci);
    }
    void run(const Withdraw &command) {
        if (const auto port = ports_.find(command.number); port != ports_.end())
            port->second.pipe.reset();
        const auto vf = vf_ports_.find(command.vf.pci);
        const bool remains = vf != vf_ports_.end() && vf->second;
        if (remains)
            leaving_.insert(command.vf.pci); // fail-safe leaves it at one of its next looks
        else if (vf != vf_ports_.end())
            close_vf_port(command.vf.pci);
        answer(supervisor_.vf_withdrawn(command.number, command.vf.pci, remains, now));
    }
    void run(const CheckVf &command) {
        const auto vf = vf_ports_.find(command.vf.pci);
        answer(supervisor_.vf_checked(command.number, command.vf.pci,
                                      vf != vf_ports_.end() && vf->second));
    }
    void run(const ReportRemoval &command) {
        const auto port = ports_.find(command.number);
        if (port == ports_.end())
            return;
        require(!port->second.removal_reported, "a removal reported twice");
        port->second.removal_reported = true;
    }

    int probe(const PciAddress &pci) {
        if (vf_ports_.contains(pci))
            return 0;
        if (!kernel_.has_pci(pci) || fault(4))
            return ENODEV;
        vf_ports_[pci] = std::nullopt;
        return 0;
    }
    void close_vf_port(PciAddress pci, bool by_application = false) {
        if (const auto owner = vf_ports_.at(pci))
            ports_.at(*owner).sub_device.reset();
        vf_ports_.erase(pci);
        leaving_.erase(pci);
        answer(supervisor_.vf_port_gone(pci, by_application, now));
    }
    // fail-safe leaves VFs it has been told to leave, and looks into its pipe where it has none.
    bool failsafe_polls() {
        if (!leaving_.empty() && !fault(2)) {
            close_vf_port(*leaving_.begin());
            return true;
        }
        for (auto &[number, port] : ports_) {
            if (!port.made || port.sub_device || !port.pipe || fault(2))
                continue;
            const PciAddress pci = *std::exchange(port.pipe, std::nullopt);
            if (const auto vf = vf_ports_.find(pci); vf != vf_ports_.end() && !vf->second) {
                vf->second = number;
                port.sub_device = pci;
            }
            return true;
        }
        return false;
    }

    bool fault(std::size_t n) { return faults && random_.one_in(n); }
    void answer(Commands commands) { carry_out(std::move(commands)); }

    Random &random_;
    Journal &journal_;
    Kernel &kernel_;
    Supervisor &supervisor_;
    std::map<PortNumber, Port> ports_;
    std::set<PortNumber> carried_; ///< numbers whose device name something else carries
    std::set<PortNumber> to_destroy_;
    std::deque<ReleaseVf> to_release_;
    std::map<PortNumber, std::optional<Report>> told_; ///< ports, and the last of their VF
    std::set<PciAddress> leaving_;                     ///< VFs whose removal has been raised
    std::deque<Command> queue_;
    std::map<PciAddress, std::optional<PortNumber>> vf_ports_;
};

// ---- All of it.

class Simulation {
public:
    explicit Simulation(std::uint64_t seed)
        : random_(seed), kernel_(random_, journal_),
          edge_(random_, journal_, kernel_, supervisor_) {}

    void run(int rounds) {
        kernel_.macs_stay = bind_;
        for (int i = 0; i < 6; ++i)
            kernel_.change_something();
        kernel_.overflow(); // what was told so far, before there was a reader
        kernel_.start_listing();
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < 60; ++i)
                step();
            rest();
            check();
        }
    }

    [[nodiscard]] std::string journal() const { return journal_.text(); }
    /// How often what happened.
    [[nodiscard]] std::map<std::string, int> statistics() const {
        auto result = edge_.statistics;
        result["listing"] = listings_;
        result["rescan"] = rescans_;
        result["VF bound at the end"] = static_cast<int>(kernel_.bound().size());
        for (const auto &port : supervisor_.ports()) {
            ++result["port at the end"];
            result["VF attached at the end"] += port.vf ? 1 : 0;
        }
        return result;
    }

private:
    void step() {
        edge_.faults = true;
        const std::size_t what = random_.below(44);
        if (what < 10)
            kernel_.change_something();
        else if (what < 22)
            read();
        else if (what < 33)
            edge_.step();
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
            edge_.tell_of_gone_pci();
        else if (what == 40)
            edge_.recover_a_vf();
        else if (what == 41)
            random_.one_in(2) ? edge_.lose_a_vf_port() : edge_.application_detaches();
        else if (what == 42)
            read_uevents();
        else if (what == 43 && random_.one_in(2))
            kernel_.pull_one_out();
    }

    // ---- The kernel's side.

    void read() {
        if (const auto event = kernel_.receive())
            std::visit([this](const auto &one) { take(one); }, *event);
        // A netdevice that went and came back is another.
        std::erase_if(excused_, [this](const auto &entry) {
            return supervisor_.links().find(entry.first) == nullptr;
        });
    }
    void read_uevents() {
        const auto removed = kernel_.receive_uevents();
        for (const PciAddress &pci : removed.told) {
            journal_.add("read: PCI function " + pci.to_string() + " is gone");
            edge_.carry_out(supervisor_.pci_removed(pci, kernel_.has_pci(pci)));
        }
        if (!removed.lost)
            return;
        ++rescans_;
        for (const PciAddress &pci : supervisor_.vfs()) {
            if (!kernel_.has_pci(pci))
                edge_.carry_out(supervisor_.pci_removed(pci, kernel_.has_pci(pci)));
        }
    }
    void take(const LinkMessage &message) {
        std::optional<DeviceFacts> facts;
        if (supervisor_.wants_facts(message))
            facts = kernel_.sysfs(message);
        journal_.add("read: " + std::to_string(message.ifindex) + " " + message.name);
        edge_.carry_out(supervisor_.link(message, facts));
    }
    void take(const LinkGone &gone) {
        journal_.add("read: " + std::to_string(gone.ifindex) + " is gone");
        edge_.carry_out(supervisor_.link_gone(gone.ifindex));
    }
    void take(const AddressMessage &message) { edge_.carry_out(supervisor_.address(message)); }
    void take(DumpBegin) { supervisor_.begin_listing(); }
    void take(DumpDone) {
        ++listings_;
        journal_.add("read: end of the listing");
        edge_.carry_out(supervisor_.end_listing());
    }
    void continue_listing() {
        if (kernel_.listing())
            kernel_.continue_listing();
        else if (kernel_.has_lost())
            kernel_.start_listing();
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
        edge_.carry_out(std::move(*added));
    }
    void remove_instance() {
        if (instances_.empty())
            return;
        const InstanceId id = random_.of(instances_).first;
        journal_.add("remove instance " + std::to_string(id));
        instances_.erase(id);
        // A netdevice whose port goes with an instance is not offered to the others at once.
        for (const auto &port : supervisor_.ports())
            excuse(port.ifindex);
        edge_.carry_out(supervisor_.remove_instance(id));
    }
    void close_a_port() {
        const auto views = supervisor_.ports();
        if (views.empty())
            return;
        const auto &view = random_.of(views);
        if (edge_.application_closes(view.number))
            excuse(view.ifindex);
    }
    // The netdevice need not become a port of the instances that there are.
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
            edge_.now = std::max(edge_.now, *deadline);
        else
            edge_.now += std::chrono::milliseconds(random_.below(100));
        edge_.carry_out(supervisor_.elapsed(edge_.now));
    }

    /// Lets everything that is under way end, without anything new.
    void rest() {
        journal_.add("-- at rest from here");
        edge_.faults = false;
        for (int i = 0; i < 10'000; ++i) {
            edge_.finish();
            if (kernel_.listing() || kernel_.has_lost()) {
                continue_listing();
                read();
            } else if (pending()) {
                continue;
            } else if (kernel_.has_uevents()) {
                read_uevents();
            } else if (const auto deadline = supervisor_.deadline()) {
                edge_.now = std::max(edge_.now, *deadline);
                edge_.carry_out(supervisor_.elapsed(edge_.now));
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

    // ---- What must be so at rest.

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
            // One that had an address at some time may have been left alone for that.
            if (wanted.automatic())
                return !kernel_.ever_routed(link.ifindex());
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
            const auto at_edge = edge_.ports().find(port.number);
            require(at_edge != edge_.ports().end() && at_edge->second.made,
                    about + " is not there");
            require(at_edge->second.removal_reported == (port.ifindex == 0),
                    about + ": removal (not) reported");
            if (port.ifindex == 0) {
                require(!port.vf, about + " has a VF without a NetVSC");
                continue;
            }
            const auto below = kernel_.netdevices().find(port.ifindex);
            require(below != kernel_.netdevices().end(), about + " is of a netdevice that is gone");
            require(below->second.link.is_netvsc(), about + " is not of a NetVSC");
            require(below->second.link.name() == port.netdevice, about + ": name");
            check_vf(port, below->second.link, !at_edge->second.bind.empty());
            const auto &told = edge_.told().at(port.number);
            require(told.has_value() == port.vf.has_value(), about + ": VF told or not, wrongly");
            require(!told || (told->vf == port.vf && told->type == EventType::vf_attached),
                    about + ": VF not told to be attached");
        }
        require(edge_.told().size() == supervisor_.ports().size(), "a port not told to be gone");
        require(edge_.ports().size() == supervisor_.ports().size(), "a port that nobody knows");
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
        // One that is bound has no netdevice to tell whose it is: it stays.
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
        for (const auto &[number, port] : edge_.ports()) {
            require(!port.pipe || (wanted.contains(*port.pipe) && wanted.at(*port.pipe) == number),
                    "the pipe of port " + std::to_string(number) + " holds a VF not its own");
        }
        for (const auto &[pci, owner] : edge_.vf_ports()) {
            require(kernel_.has_pci(pci), "VF " + pci.to_string() + " is gone, its port is not");
            require(wanted.contains(pci), "VF " + pci.to_string() + " is probed for nothing");
            require(owner == wanted.at(pci), "VF " + pci.to_string() + " is in the wrong port");
        }
        for (const auto &[pci, number] : wanted)
            require(edge_.vf_ports().contains(pci), "VF " + pci.to_string() + " has no port");
    }

    Random random_;
    Journal journal_;
    Kernel kernel_;
    Supervisor supervisor_;
    Edge edge_;
    std::map<InstanceId, Arguments> instances_;
    InstanceId next_instance_ = 0;
    int listings_ = 0;
    int rescans_ = 0;
    // All instances or none. Then MAC addresses stay, or a VF that is just being bound could have
    // changed its port before its netdevice went.
    const bool bind_ = random_.one_in(2);
    std::set<std::pair<int, InstanceId>> excused_;
};

std::optional<std::uint64_t> number_in_environment(const char *name) {
    const char *text = std::getenv(name);
    return text != nullptr ? std::optional(std::strtoull(text, nullptr, 0)) : std::nullopt;
}

TEST(SupervisorSimulation, ComesToRestWhereTheKernelsStateSays) {
    const auto only = number_in_environment("NETVSC_SIMULATION_SEED");
    const std::uint64_t count = number_in_environment("NETVSC_SIMULATION_SEEDS").value_or(2000);
    const std::uint64_t first = only.value_or(1);
    const std::uint64_t last = only ? *only : count;
    std::map<std::string, int> statistics;
    std::cout << "seeds " << first << " to " << last << "\n";
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Simulation simulation(seed);
        try {
            simulation.run(8);
        } catch (const Violation &violation) {
            FAIL() << violation.what() << "\nNETVSC_SIMULATION_SEED=" << seed
                   << "\nWhat happened last:\n"
                   << simulation.journal();
        }
        for (const auto &[what, times] : simulation.statistics())
            statistics[what] += times;
    }
    // Each kind of thing did happen: else this would be no test.
    for (const auto *what :
         {"create", "destroy", "release", "announce", "withdraw", "check", "report", "give",
          "event", "error:", "warning:", "notice:", "info:", "listing", "rescan", "failed bind",
          "port at the end", "VF attached at the end", "VF bound at the end"}) {
        std::cout << what << " " << statistics[what] << ", ";
        EXPECT_TRUE(only || statistics[what] > static_cast<int>(count) / 8) << what;
    }
    std::cout << "\n";
}

} // namespace
} // namespace netvsc
