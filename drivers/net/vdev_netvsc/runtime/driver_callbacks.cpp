// SPDX-License-Identifier: BSD-3-Clause
//
// What EAL calls: the kernel's messages, device and ethdev events, the alarm.

#include "base/overloaded.hpp"
#include "dpdk/clock.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "fallback/fallback_port.hpp"
#include "fallback/lender.hpp"
#include "keepalive/keepalive.hpp"
#include "runtime/driver.hpp"
#include "runtime/link_facts.hpp"
#include "sysfs/pci_driver.hpp"
#include "vf/device_events.hpp"
#include "vf/vf_port.hpp"

#include <ethdev_driver.h>

namespace netvsc {
namespace {

using Level = Message::Level;

// Withdraw is not: the VF has to be let go of whoever has the port's number by then.
bool is_only_for_port(const Command &command, PortNumber number) {
    const auto *announce = std::get_if<Announce>(&command);
    const auto *check = std::get_if<CheckVf>(&command);
    const auto *refresh = std::get_if<RefreshLink>(&command);
    const auto *removal = std::get_if<ReportRemoval>(&command);
    return (announce != nullptr && announce->number == number) ||
           (check != nullptr && check->number == number) ||
           (refresh != nullptr && refresh->number == number) ||
           (removal != nullptr && removal->number == number);
}

// The kernel takes the link in sysfs away before it has the driver let go of the function
// (__device_release_driver() in Linux's drivers/base/dd.c).
bool loses_driver(const PciAddress &pci) {
    const auto driver = PciDriver(pci).driver();
    return driver && !*driver;
}

} // namespace

Commands Driver::take(const NetlinkEvent &event) {
    return std::visit(
        Overloaded{
            [this](const LinkMessage &message) {
                if (const auto pci = supervisor_.may_be_leaving(message); pci && loses_driver(*pci))
                    return supervisor_.link_leaving(message.ifindex);
                std::optional<DeviceFacts> facts;
                if (supervisor_.wants_facts(message))
                    facts = facts_of(message, functions_);
                return supervisor_.link(message, facts);
            },
            [this](const LinkGone &gone) { return supervisor_.link_gone(gone.ifindex); },
            [this](const AddressMessage &message) { return supervisor_.address(message); },
            [this](DumpBegin) {
                supervisor_.begin_listing();
                return Commands{};
            },
            [this](DumpDone) { return supervisor_.end_listing(); },
        },
        event);
}

void Driver::on_netlink() {
    guarded("netlink", [this] {
        Commands commands;
        const TimePoint began = now();
        {
            const std::lock_guard lock(mutex_);
            if (!monitor_)
                return;
            const auto done =
                monitor_->read([&](const NetlinkEvent &event) { append(commands, take(event)); });
            if (!done) {
                log(Level::warning, "netdevices could not be listed: " + done.error().message() +
                                        "; trying again in 1 s");
                dump_retry_ = now() + dump_retry_delay;
            }
        }
        note_notification(commands, began);
        hasten(commands);
        carry_out(std::move(commands));
        pump();
    });
}

// Whatever is at the address from now on was not bound by us.
Commands Driver::function_removed(const PciAddress &pci, bool another_is_there) {
    if (!another_is_there)
        bound_.erase(pci);
    return supervisor_.pci_removed(pci, another_is_there);
}

void Driver::on_uevents() {
    guarded("uevent", [this] {
        Commands commands;
        std::vector<PciEvent> events;
        std::vector<PciAddress> lost_vfs;
        {
            const std::lock_guard lock(mutex_);
            if (!uevents_)
                return;
            const auto lost = uevents_->read([&](const Uevent &event) {
                if (const auto about_pci = pci_event_of(event))
                    events.push_back(*about_pci);
            });
            if (!lost)
                log(Level::warning, lost.error().message());
            for (const PciEvent &event : events) {
                functions_.take(event);
                const PciDriver device(event.address);
                if (event.kind != PciEvent::Kind::added && !device.current() &&
                    supervisor_.port_with_vf(event.address))
                    lost_vfs.push_back(event.address);
                if (event.kind == PciEvent::Kind::removed)
                    append(commands, function_removed(event.address, device.exists()));
                else if (event.kind == PciEvent::Kind::unbound && !device.current())
                    append(commands, supervisor_.pci_unbound(event.address));
            }
            if (!lost || *lost)
                functions_.forget();
            if (lost && *lost) {
                for (const PciAddress &vf : supervisor_.vfs()) {
                    if (!PciDriver(vf).exists())
                        append(commands, function_removed(vf, false));
                }
            }
        }
        for (const PciAddress &vf : lost_vfs)
            replace_registers(vf);
        hasten(commands);
        carry_out(std::move(commands));
        pump();
        for (const PciEvent &event : events)
            relay_.hand_on(event, now());
        arm();
    });
}

// Told by vfio, which asks for a device that is there still, or by EAL's monitor. That reads one
// uevent at a time, so on a busy machine a removal it tells of may be long past and another device
// at the address, whose registers, by uio, it has just taken away as those of the one that went.
// In both cases the device still has its kernel driver.
void Driver::on_device_event(const char *device, rte_dev_event_type event, void *self) noexcept {
    guarded("device event", [&] {
        const auto pci = PciAddress::parse(device != nullptr ? device : "");
        auto &driver = *static_cast<Driver *>(self);
        if (!pci || event != RTE_DEV_EVENT_REMOVE || EventRelay::is_telling())
            return;
        const auto bound_to = PciDriver(*pci).current();
        if (!bound_to || *bound_to == "vfio-pci")
            driver.relay_.heard_removal(*pci);
        Commands commands;
        {
            const std::lock_guard lock(driver.mutex_);
            commands = bound_to ? driver.supervisor_.vf_release_requested(*pci, now())
                                : driver.supervisor_.pci_removed(*pci, false);
        }
        driver.carry_out(std::move(commands));
    });
}

void Driver::on_alarm(void *self) noexcept {
    auto &driver = *static_cast<Driver *>(self);
    guarded("alarm", [&] {
        {
            const std::lock_guard lock(driver.mutex_);
            driver.alarm_.reset();
        }
        driver.relay_.elapsed(now());
        driver.pump();
    });
}

int Driver::on_ethdev_event(std::uint16_t port, rte_eth_event_type event, void *self,
                            void * /*result*/) noexcept {
    guarded("ethdev event", [&] {
        auto &driver = *static_cast<Driver *>(self);
        if (event == RTE_ETH_EVENT_NEW)
            driver.on_port_made(rte_eth_devices[port]);
        else if (event == RTE_ETH_EVENT_DESTROY)
            driver.on_port_closed(rte_eth_devices[port]);
        else if (event == RTE_ETH_EVENT_INTR_LSC)
            driver.on_link_event(rte_eth_devices[port]);
        else if (event == RTE_ETH_EVENT_INTR_RMV)
            driver.on_port_removal(rte_eth_devices[port]);
        else
            driver.on_recovery(rte_eth_devices[port], event);
    });
    return 0;
}

// Slow sub-devices are fitted here because fail-safe makes them, and configures them next.
void Driver::on_port_made(rte_eth_dev &device) {
    if (Lender::lends(device)) {
        Lender::keep_to_ourselves(device);
        return;
    }
    const auto number = fallback_device_number(device.data->name);
    if (!number)
        return;
    if (const auto above = port(*number); above && above->slow_path().kind)
        FallbackPort::adapt(device, *above->slow_path().kind, above->slow_path().netdevice.ifindex);
}

void Driver::on_port_closed(const rte_eth_dev &device) {
    keepalive().port_closed(device.data->port_id);
    FallbackPort::forget(device.data->port_id);
    Commands commands;
    const auto number = FailsafePort::number_of(device.data->name);
    if (number)
        report_closed(*number);
    {
        const std::lock_guard lock(mutex_);
        if (number) {
            commands = supervisor_.port_gone(*number);
            // fail-safe has let go of the pipe. Once the mutex is free another port may have
            // the number: nothing that was meant for this one may be left to reach it.
            ports_.erase(*number);
            std::erase_if(queue_,
                          [&](const Command &queued) { return is_only_for_port(queued, *number); });
        } else if (const auto vf = vf_of(device)) {
            leaving_.erase(device.data->port_id);
            // fail-safe lets go of a VF in the interrupt thread.
            commands = supervisor_.vf_port_gone(*vf, rte_thread_is_intr() == 0, now());
        }
    }
    carry_out(std::move(commands));
}

void Driver::on_port_removal(const rte_eth_dev &device) {
    const auto vf = vf_of(device);
    if (!vf)
        return;
    std::shared_ptr<FailsafePort> above;
    {
        const std::lock_guard lock(mutex_);
        const auto number = supervisor_.port_with_vf(*vf);
        if (!number)
            return;
        leaving_.insert(device.data->port_id);
        if (const auto found = ports_.find(*number); found != ports_.end())
            above = found->second;
        // For when fail-safe, which is told after us, has turned to the slow path.
        queue_.emplace_back(RefreshLink{.number = *number});
    }
    if (above)
        above->use_safe_bursts();
    arm();
}

void Driver::on_recovery(const rte_eth_dev &device, rte_eth_event_type event) {
    const auto vf = vf_of(device);
    if (!vf)
        return;
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        commands =
            event == RTE_ETH_EVENT_ERR_RECOVERING
                ? supervisor_.vf_recovering(*vf)
                : supervisor_.vf_recovered(*vf, event == RTE_ETH_EVENT_RECOVERY_SUCCESS, now());
    }
    carry_out(std::move(commands));
}

} // namespace netvsc
