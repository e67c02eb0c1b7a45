// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/command_executor.hpp"

#include <cerrno>
#include <utility>

namespace netvsc {
namespace {

using Level = Message::Level;

} // namespace

Decision CommandExecutor::execute(const TrafficCommand &command) {
    return std::visit([this](const auto &one) { return run(one); }, command);
}

Decision CommandExecutor::execute(const PortCommand &command,
                                  const rte_vdev_device *being_removed) {
    return std::visit([&](const auto &one) { return run(one, being_removed); }, command);
}

// ---- Traffic commands.

Decision CommandExecutor::run(const Announce &command) {
    // Lock first: whoever closes the port meanwhile then finds the VF's port when this is done.
    const HotPlugLock hot_plug = devices_.lock_hot_plug();
    const auto port = registry_.find(command.number);
    if (!port)
        return {};
    const auto state = port->state();
    if ((command.only_if_started && !state.started) || state.half_configured ||
        (!command.bind.empty() && !devices_.rtnl_available())) {
        // fail-safe must not read an earlier announcement either: the VF's port may be closed.
        port->withdraw();
        return answer_(
            VfOutcome{.number = command.number, .vf = command.vf.id, .event = VfHeldBack{}});
    }
    return prepare_vf(*port, command.number, command.vf, command.bind, state.link_up);
}

// Writes the address first. fail-safe cannot read it before this returns: it polls its pipe in this
// thread, or does not exist yet. If the probe fails, the address is withdrawn. So fail-safe never
// probes the VF itself: after a failed probe it would keep the address and retry at each poll,
// forever.
//
// Without the rtnl lock, the probe of a VF that has a netdevice would block the interrupt thread
// for as long as the kernel waits for the host.
Decision CommandExecutor::prepare_vf(PortDevice &port, PortNumber number, const Vf &vf,
                                     const std::string &bind, bool link_up) {
    const HotPlugLock hot_plug = devices_.lock_hot_plug();
    const auto answer = [&](VfEvent event) {
        return answer_(VfOutcome{.number = number, .vf = vf.id, .event = std::move(event)});
    };
    Decision decision;
    if (!bind.empty()) {
        if (const auto refused = binder_.bind(vf.id, bind, decision)) {
            port.withdraw(); // an earlier announcement, if any
            registry_.count(number, &PortRecord::failed_binds);
            decision.append(answer(VfBindFailed{.reason = *refused}));
            return decision;
        }
        Decision next = answer(VfBound{});
        const bool unwanted = !next.traffic.empty();
        decision.append(std::move(next));
        if (unwanted)
            return decision;
    }
    int error = 0;
    const auto announced = port.announce(vf.devargs);
    const TimePoint now = devices_.now();
    if (!announced) {
        decision.log(Level::error, port_name(number) + ": " + announced.error().message());
        error = announced.error().number;
    } else if (bind.empty() && !devices_.rtnl_available()) {
        port.withdraw();
        return answer(VfHeldBack{});
    } else {
        registry_.note_announcement(number, now);
        error = devices_.probe(vf, link_up);
        if (error != 0)
            port.withdraw();
    }
    if (error != 0)
        registry_.count(number, &PortRecord::failed_probes);
    decision.append(answer(VfProbed{.error = error}));
    return decision;
}

Decision CommandExecutor::run(const Withdraw &command) {
    const auto port = registry_.find(command.number);
    if (port)
        port->withdraw();
    const bool remains = !devices_.remove_unless_owned(command.vf);
    if (remains && command.raise_removal) {
        if (port)
            port->use_safe_bursts();
        devices_.raise_removal(command.vf);
        registry_.note_detachment(command.number, devices_.now());
    }
    if (!remains)
        binder_.forget_removed(command.vf.pci);
    return answer_(VfOutcome{
        .number = command.number, .vf = command.vf, .event = VfWithdrawn{.port_remains = remains}});
}

Decision CommandExecutor::run(const RestoreDriver &command) {
    Decision decision;
    binder_.restore(command.vf.pci, decision);
    decision.append(answer_(VfReleased{command.vf}));
    return decision;
}

Decision CommandExecutor::run(const CheckVf &command) {
    const bool taken = devices_.use_of(command.vf) == Devices::VfPortUse::owned;
    return answer_(
        VfOutcome{.number = command.number, .vf = command.vf, .event = VfChecked{.taken = taken}});
}

Decision CommandExecutor::run(const RefreshLink &command) {
    registry_.refresh_link(command.number, devices_.now());
    return {};
}

Decision CommandExecutor::run(const RaisePortEvent &command) {
    if (const auto port = registry_.find(command.number))
        port->raise(command.event);
    return {};
}

// ---- Port commands.

Decision CommandExecutor::run(const CreatePort &command,
                              const rte_vdev_device * /*being_removed*/) {
    if (!devices_.rtnl_available())
        return port_failed(command.number,
                           {.number = EAGAIN, .context = "the kernel holds its rtnl lock"});
    auto opened = devices_.open_port(command);
    if (!opened)
        return port_failed(command.number, opened.error());
    const std::shared_ptr<PortDevice> port = std::move(*opened);
    registry_.add(command.number, port);
    Decision decision;
    // Before the port: the application then sees the capabilities of both sub-devices from the
    // start. fail-safe's link is up when it is created.
    if (command.vf)
        decision.append(prepare_vf(*port, command.number, *command.vf, command.bind, true));
    if (const auto created = port->create(command.hotplug_poll); !created) {
        if (command.vf)
            devices_.release_from_failsafe(command.vf->id);
        if (port->state().has_fallback)
            add_leftover(command.number);
        decision.append(port_failed(command.number, created.error()));
        return decision;
    }
    decision.append(answer_(PortCreated{command.number}));
    return decision;
}

Decision CommandExecutor::port_failed(PortNumber number, const Error &error) {
    Decision decision;
    decision.log(error.number == EEXIST ? Level::info : Level::error,
                 port_name(number) + ": " + error.message());
    registry_.remove(number);
    decision.append(answer_(PortFailed{.number = number, .error = error.number}));
    return decision;
}

Decision CommandExecutor::run(const DestroyPort &command, const rte_vdev_device *being_removed) {
    Decision decision;
    const auto removed = devices_.remove_port(command.number, being_removed);
    if (!removed)
        decision.log(Level::error, port_name(command.number) + ": " + removed.error().message() +
                                       "; the next probe retries");
    if (!removed || !*removed)
        add_leftover(command.number);
    return decision;
}

Decision CommandExecutor::run(const ReleaseVf &command, const rte_vdev_device * /*being_removed*/) {
    Decision decision;
    devices_.remove_unless_owned(command.vf);
    if (command.restore_driver)
        binder_.restore(command.vf.pci, decision);
    decision.append(answer_(VfReleased{command.vf}));
    return decision;
}

void CommandExecutor::add_leftover(PortNumber number) {
    const MutexLock lock(leftovers_mutex_);
    leftovers_.insert(number);
}

Decision CommandExecutor::remove_leftovers() {
    std::set<PortNumber> leftovers;
    {
        const MutexLock lock(leftovers_mutex_);
        leftovers.swap(leftovers_);
    }
    Decision decision;
    for (const PortNumber number : leftovers)
        decision.append(run(DestroyPort{.number = number}, nullptr));
    return decision;
}

} // namespace netvsc
