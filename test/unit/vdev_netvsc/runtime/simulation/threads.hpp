// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "common/temporary_folder.hpp"
#include "fake_devices.hpp"
#include "runtime/command_executor.hpp"
#include "runtime/command_queue.hpp"
#include "vdev_netvsc/core/commands.hpp"

#include <deque>

namespace netvsc::simulation {

/// The driver's threads between the core and the devices: the interrupt thread executes the queue,
/// other threads execute port commands, all in a random order. The executor, the registry, the
/// binder and the queue are the driver's own.
class Threads {
public:
    Threads(Random &random, Journal &journal, Kernel &kernel, Supervisor &supervisor)
        : random_(random), journal_(journal), kernel_(kernel), supervisor_(supervisor),
          devices(random, journal, kernel,
                  {.port_closed = [this](PortNumber number) { port_closed(number); },
                   .vf_event = [this](const PciAddress &pci,
                                      const VfEvent &event) { vf_event(pci, event); },
                   .meanwhile = [this] { go_on_meanwhile(); }}),
          binder_(devices, binding_journal()),
          registry_([this](const Event &event) { check(event); },
                    [this](PortNumber number) -> std::optional<std::string> {
                        const auto view = supervisor_.port(number);
                        return view ? std::optional(view->netdevice) : std::nullopt;
                    }),
          executor_(devices, registry_, binder_,
                    [this](const Outcome &outcome) { return answer(outcome); }) {}

private:
    Random &random_;
    Journal &journal_;
    Kernel &kernel_;
    Supervisor &supervisor_;

public:
    FakeDevices devices;
    std::map<std::string, int> statistics;
    /// Makes a random step of the simulation while a port is being created.
    std::function<void()> step_of_others;

    /// The reported ports, each with the last event of its VF.
    [[nodiscard]] const auto &reported() const { return reported_; }

    void carry_out(Decision decision) {
        for (const TrafficCommand &command : decision.traffic) {
            note(command);
            check_known(command);
        }
        queue_.push(std::move(decision.traffic));
        for (const Notice &notice : decision.notices) {
            note(notice);
            if (const auto *report = std::get_if<Report>(&notice))
                registry_.report(*report, devices.time);
        }
        for (PortCommand &command : decision.ports) {
            note(command);
            if (const auto *create = std::get_if<CreatePort>(&command))
                require(known_.insert(create->number).second,
                        "port " + std::to_string(create->number) + " exists already");
            port_commands_.push_back(std::move(command));
        }
    }

    /// Executes one pending or spontaneous action. @return whether there was one
    bool step() {
        switch (random_.below(3)) {
        case 0:
            return run_a_port_command() || run_a_traffic_command();
        case 1:
            return devices.failsafe_polls();
        default:
            return run_a_traffic_command() || run_a_port_command();
        }
    }
    /// Executes all pending actions.
    void finish() {
        while (run_a_traffic_command() || run_a_port_command() || devices.failsafe_polls())
            ;
    }

    /// The application closes a port, unless it does not exist or the driver is about to.
    bool application_closes(PortNumber number) {
        const auto port = devices.ports().find(number);
        const bool closing = std::ranges::any_of(port_commands_, [&](const PortCommand &command) {
            const auto *destroy = std::get_if<DestroyPort>(&command);
            return destroy != nullptr && destroy->number == number;
        });
        if (port == devices.ports().end() || !port->second->created || closing)
            return false;
        journal_.add("the application closes port " + std::to_string(number));
        devices.application_closes(number);
        return true;
    }

private:
    // One journal for all simulations of the process.
    static BindingJournal &binding_journal() {
        static const test::TemporaryFolder folder;
        static BindingJournal journal(folder.path());
        return journal;
    }

    void note(const auto &result) {
        std::string text = test::text_of(result);
        ++statistics[text.substr(0, text.find(' '))];
        journal_.add("     " + std::move(text));
    }
    void check_known(const TrafficCommand &command) const {
        std::visit(
            [this]<typename Kind>(const Kind &one) {
                // A VF may be probed for a port that cannot be created. It is withdrawn after the
                // port's end.
                if constexpr (!std::is_same_v<Kind, Withdraw> && requires { one.number; })
                    require(known_.contains(one.number),
                            "there is no port " + std::to_string(one.number));
            },
            command);
    }
    // The events of a port and its VF must make sense to a reader who knows nothing else.
    void check(const Event &event) {
        const std::string about = std::string(name_of(event.type)) + " of " + event.port;
        if (event.type == EventType::port_added) {
            require(reported_.emplace(event.port_id, std::nullopt).second, about + " twice");
            return;
        }
        const auto port = reported_.find(event.port_id);
        require(port != reported_.end(), about + ", a port that was not reported");
        if (event.type == EventType::port_removed) {
            reported_.erase(port);
            return;
        }
        if (event.type == EventType::link_up || event.type == EventType::link_down)
            return;
        auto &vf = port->second;
        require(event.vf.has_value(), about + " without a VF");
        if (event.type == EventType::vf_present) {
            require(!vf, about + " while there is one");
        } else {
            require(vf && vf->vf == event.vf, about + " of a VF that was not reported");
            require(vf->type != event.type, about + " twice");
        }
        vf = event.type == EventType::vf_removed ? std::nullopt : std::optional(event);
    }

    [[nodiscard]] Decision answer(const Outcome &outcome) {
        if (const auto *failed = std::get_if<PortFailed>(&outcome))
            known_.erase(failed->number);
        return supervisor_.handle(outcome, devices.time);
    }
    // As Driver::port_closed().
    void port_closed(PortNumber number) {
        known_.erase(number);
        registry_.remove(number);
        queue_.drop_port(number);
        carry_out(supervisor_.port_gone(number));
    }

    // As Driver::port_closed() and Driver::vf_event().
    void vf_event(const PciAddress &pci, const VfEvent &event) {
        const auto number = supervisor_.port_with_vf(pci);
        const auto above = number ? registry_.find(*number) : nullptr;
        if (above && std::holds_alternative<VfPortClosed>(event))
            above->withdraw();
        carry_out(supervisor_.vf_event(pci, event, devices.time));
    }

    // The interrupt thread's commands, in their order.
    bool run_a_traffic_command() {
        const auto command = queue_.pop();
        if (!command)
            return false;
        journal_.add("run: " + test::text_of(*command));
        carry_out(executor_.execute(*command));
        return true;
    }
    // Other threads' commands.
    bool run_a_port_command() {
        if (port_commands_.empty())
            return false;
        const auto chosen = port_commands_.begin() +
                            static_cast<std::ptrdiff_t>(random_.below(port_commands_.size()));
        const PortCommand command = std::move(*chosen);
        port_commands_.erase(chosen);
        journal_.add("run: " + test::text_of(command));
        carry_out(executor_.execute(command));
        return true;
    }
    void go_on_meanwhile() {
        if (nested_ >= 2) // ports under creation at the same time
            return;
        ++nested_;
        for (auto steps = devices.faults ? random_.below(8) : 0; steps > 0; --steps)
            step_of_others();
        --nested_;
    }

    VfBinder binder_;
    PortRegistry registry_;
    CommandExecutor executor_;
    CommandQueue queue_;
    std::deque<PortCommand> port_commands_;
    std::set<PortNumber> known_; ///< numbers that the core has ports for
    std::map<std::uint16_t, std::optional<Event>> reported_;
    int nested_ = 0;
};

} // namespace netvsc::simulation
