// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/supervisor.hpp"
#include "kernel.hpp"
#include "vdev_netvsc/core/commands.hpp"

namespace netvsc::simulation {

using namespace std::chrono_literals;

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
            return answer(supervisor_.vf_recovered(address, success, now));
        }
    }
    /// vfio asks for a VF that stays, or EAL's monitor tells late of one that is there again.
    void request_release_of_a_vf() {
        for (const PciAddress &pci : supervisor_.vfs()) {
            if (!kernel_.has_pci(pci) || !random_.one_in(2))
                continue;
            journal_.add("asked to let go of " + pci.to_string());
            return answer(supervisor_.vf_release_requested(pci, now));
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
        // The application has stopped the port, or is just configuring it.
        if (fault(command.only_if_started ? 2 : 20))
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

} // namespace netvsc::simulation
