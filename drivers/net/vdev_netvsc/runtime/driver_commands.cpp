// SPDX-License-Identifier: BSD-3-Clause
//
// How Driver carries out what the core has decided, command by command.

#include "dpdk/clock.hpp"
#include "dpdk/hot_plug_lock.hpp"
#include "dpdk/log.hpp"
#include "fallback/fallback_probe.hpp"
#include "netlink/traffic_control.hpp"
#include "runtime/driver.hpp"
#include "sysfs/pci_driver.hpp"
#include "vf/device_events.hpp"
#include "vf/vf_port.hpp"

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>

namespace netvsc {
namespace {

using Level = Message::Level;

// What a process that was killed has left at the netdevice would stand in the way: it takes the
// frames away.
void clean_up(const CreatePort &command) {
    const auto control = TrafficControl::open();
    const auto removed = control ? control->remove_dead_redirects(command.ifindex)
                                 : std::unexpected(control.error());
    if (removed && *removed > 0)
        log(Level::notice, port_name(command.number) + ": removed " + std::to_string(*removed) +
                               " filters from " + command.netdevice +
                               " that redirected to a netdevice that is gone: a process that used "
                               "it has been killed");
    else if (!removed && removed.error().number != EPERM)
        log(Level::warning, port_name(command.number) + ": " + removed.error().message());
}

} // namespace

void Driver::give_back_device(const PciAddress &pci) {
    const PciDriver device(pci);
    if (device.exists()) {
        if (auto given = device.restore(); !given) {
            log(Level::error, "VF not given back to its kernel driver: " + given.error().message() +
                                  "; the next instance tries it again");
            bound_.release(pci);
            return;
        }
    }
    bound_.erase(pci);
}

// EAL's scan of the PCI bus comes before, and may have made ports of them.
void Driver::give_back_abandoned() {
    for (const PciAddress &pci : bound_.claim_abandoned()) {
        const auto early = VfPort::find(pci);
        if ((early && early->started()) || !VfPort::remove_unless_owned(pci))
            continue; // the application has taken it as it is
        log(Level::notice, "VF " + pci.to_string() +
                               " was left bound by a process that ended; it is given back to its "
                               "kernel driver");
        give_back_device(pci);
    }
}

Commands Driver::create_port(const CreatePort &command) {
    const auto failed = [&](const Error &error) {
        log(error.number == EEXIST ? Level::info : Level::error, error.message());
        const std::lock_guard lock(mutex_);
        ports_.erase(command.number);
        records_.erase(command.number);
        return supervisor_.port_failed(command.number, error.number, now());
    };
    const auto choice = choose_fallback(command.fallback, [&](Fallback kind) {
        return missing_for(kind, command.ifindex, command.netdevice);
    });
    clean_up(command);
    auto opened = FailsafePort::open(
        command.number,
        {.kind = choice.kind,
         .netdevice = {.name = command.netdevice, .ifindex = command.ifindex, .mac = command.mac}});
    if (!opened)
        return failed(opened.error());
    const auto created = std::make_shared<FailsafePort>(std::move(*opened));
    {
        const std::lock_guard lock(mutex_);
        ports_[command.number] = created;
        records_[command.number] = {};
    }
    Commands commands;
    if (command.vf) {
        // Before fail-safe is there, so that the application sees the port with both paths'
        // capabilities from the start.
        // fail-safe's link is up when it is made.
        append(commands, prepare_vf(*created, command.number, *command.vf, command.bind, true));
    }
    if (auto made = created->create(command.hotplug_poll); !made) {
        if (const auto vf = command.vf ? VfPort::find(command.vf->id) : std::nullopt)
            vf->release_from_failsafe();
        append(commands, failed(made.error()));
        if (created->has_fallback()) {
            const std::lock_guard lock(mutex_);
            leftovers_.insert(command.number);
        }
        return commands;
    }
    if (!choice.problem.empty())
        log(Level::error, port_name(command.number) + ": " + choice.problem +
                              ". The port works only while it has a VF");
    else if (!command.fallback)
        log(Level::notice, port_name(command.number) + ": fallback=auto takes " +
                               std::string(name_of(*choice.kind)));
    const std::lock_guard lock(mutex_);
    append(commands, supervisor_.port_created(command.number));
    return commands;
}

Commands Driver::announce(const Announce &command) {
    // First of all: whoever closes the port meanwhile finds the VF's when this is done.
    const HotPlugLock hot_plug = lock_hot_plug();
    const auto to = port(command.number);
    if (!to)
        return {};
    if ((command.only_if_started && !to->started()) || to->half_configured()) {
        const std::lock_guard lock(mutex_);
        supervisor_.vf_held_back(command.number, command.vf.id, now());
        return {};
    }
    return prepare_vf(*to, command.number, command.vf, command.bind, to->link_up());
}

void Driver::hasten(const Commands &commands) {
    for (const Command &command : commands) {
        if (const auto *announced = std::get_if<Announce>(&command))
            hasten(*announced);
        else if (const auto *withdrawn = std::get_if<Withdraw>(&command))
            hasten(*withdrawn);
    }
}

void Driver::hasten(const Announce &command) {
    // One that is to be bound first, or may not be wanted, waits for its turn.
    if (!command.bind.empty() || command.only_if_started)
        return;
    if (const auto to = port(command.number);
        to && !to->half_configured() && to->announce(command.vf.devargs))
        note_announcement(command.number);
}

void Driver::hasten(const Withdraw &command) {
    const auto vf = VfPort::find(command.vf);
    if (!vf || !vf->owned())
        return;
    {
        const std::lock_guard lock(mutex_);
        if (leaving_.contains(vf->id()))
            return;
    }
    raise_removal(command.number, *vf);
}

void Driver::raise_removal(PortNumber number, const VfPort &vf) {
    if (const auto from = port(number))
        from->use_safe_bursts();
    vf.raise_removal();
}

// The address goes into the pipe first: fail-safe cannot read it before this returns, for it does
// so in this very thread (or is not there yet), and it is taken back if the probe fails. Thus
// fail-safe never tries to probe by itself: where that fails it would stay with the address for
// ever, trying at each poll.
Commands Driver::prepare_vf(const FailsafePort &to, PortNumber number, const Vf &vf,
                            const std::string &bind, bool failsafe_link_up) {
    const HotPlugLock hot_plug = lock_hot_plug();
    if (!bind.empty()) {
        // EAL may have probed it at its start, by way of the driver it has still.
        if (PciDriver(vf.id.pci).current() != bind)
            VfPort::remove_unless_owned(vf.id);
        if (auto noted = bound_.record(vf.id.pci, bind); !noted)
            log(Level::warning, "VF " + vf.id.pci.to_string() +
                                    " will not be given back if this process is killed: " +
                                    noted.error().message());
        const auto refused = bind_vf(vf.id.pci, bind);
        if (refused) {
            bound_.erase(vf.id.pci);
            count(number, &PortRecord::failed_binds);
        }
        const std::lock_guard lock(mutex_);
        if (refused)
            return supervisor_.vf_bind_failed(number, vf.id, *refused, now());
        if (auto let_go = supervisor_.vf_bound(number, vf.id); !let_go.empty())
            return let_go;
    }
    int error = 0;
    if (auto announced = to.announce(vf.devargs); !announced) {
        log(Level::error, announced.error().message());
        error = announced.error().number;
    } else {
        note_announcement(number);
        error = VfPort::probe(vf.devargs);
        const auto probed = error == 0 ? VfPort::find(vf.id) : std::nullopt;
        if (probed) {
            probed->adapt(failsafe_link_up);
        } else {
            error = error != 0 ? error : ENODEV;
            to.withdraw();
        }
    }
    if (error != 0)
        count(number, &PortRecord::failed_probes);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_probed(number, vf.id, error, now());
}

Commands Driver::withdraw(const Withdraw &command) {
    const auto from = port(command.number);
    if (from)
        from->withdraw();
    const bool remains = !VfPort::remove_unless_owned(command.vf);
    if (const auto vf = remains ? VfPort::find(command.vf) : std::nullopt) {
        bool raised = false;
        {
            // Once for this withdrawal; if it has to be repeated, nobody heard it.
            const std::lock_guard lock(mutex_);
            raised = leaving_.erase(vf->id()) != 0;
        }
        if (!raised)
            raise_removal(command.number, *vf);
    }
    if (!remains && !PciDriver(command.vf.pci).exists())
        bound_.erase(command.vf.pci);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_withdrawn(command.number, command.vf, remains, now());
}

Commands Driver::give_back(const GiveBack &command) {
    give_back_device(command.vf.pci);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_released(command.vf);
}

Commands Driver::check_vf(const CheckVf &command) {
    const auto vf = VfPort::find(command.vf);
    const bool taken = vf && vf->owned();
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_checked(command.number, command.vf, taken);
}

Commands Driver::release_vf(const ReleaseVf &command) {
    VfPort::remove_unless_owned(command.vf);
    if (command.give_back)
        give_back_device(command.vf.pci);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_released(command.vf);
}

// leaving: the driver's own device, if EAL is just removing that. rte_eal_cleanup() walks the
// vdev bus's list with the device behind the current one in hand: that one must not be freed
// here. Closing its port does all that matters; the empty device is left to the walk, or, if
// this was no cleanup after all, to the next probe. So is what cannot be closed or removed now.
void Driver::close_port(PortNumber number, const rte_vdev_device *leaving) {
    const auto closed = close_failsafe_port(number);
    if (!closed)
        log(Level::error, closed.error().message());
    const rte_vdev_device *next = leaving != nullptr ? TAILQ_NEXT(leaving, next) : nullptr;
    const std::string_view name = next != nullptr ? rte_vdev_device_name(next) : "";
    const bool kept =
        FailsafePort::number_of(name) == number || fallback_device_number(name) == number;
    if (closed && !kept && remove_failsafe_device(number))
        return;
    const std::lock_guard lock(mutex_);
    leftovers_.insert(number);
}

void Driver::remove_leftovers() {
    std::set<PortNumber> leftovers;
    {
        const std::lock_guard lock(mutex_);
        leftovers.swap(leftovers_);
    }
    for (const PortNumber number : leftovers)
        close_port(number, nullptr);
}

void Driver::report_removal(PortNumber number) {
    std::uint16_t port = 0;
    if (rte_eth_dev_get_port_by_name(FailsafePort::device_name(number).c_str(), &port) == 0)
        rte_eth_dev_callback_process(&rte_eth_devices[port], RTE_ETH_EVENT_INTR_RMV, nullptr);
}

std::shared_ptr<FailsafePort> Driver::port(PortNumber number) {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(number);
    return found == ports_.end() ? nullptr : found->second;
}

} // namespace netvsc
