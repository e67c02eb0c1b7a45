// SPDX-License-Identifier: BSD-3-Clause
//
// How the driver answers events: the kernel's messages, EAL's device events, ethdev events.

#include "base/overloaded.hpp"
#include "core/data_path.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"
#include "failsafe/failsafe_port.hpp"
#include "fallback/fallback_port.hpp"
#include "fallback/scratch_device.hpp"
#include "keepalive/keepalive.hpp"
#include "runtime/driver.hpp"
#include "runtime/link_facts.hpp"
#include "sysfs/pci_driver.hpp"
#include "vf/device_events.hpp"
#include "vf/vf_port.hpp"

#include <ethdev_driver.h>
#include <rte_interrupts.h>

namespace netvsc {
namespace {

// The kernel removes the driver link in sysfs before the driver releases the function
// (__device_release_driver() in Linux's drivers/base/dd.c).
bool loses_driver(const PciAddress &pci) {
    const auto driver = PciDriver(pci).driver();
    return driver && !*driver;
}

Decision take(Supervisor &supervisor, const KnownFunctions &functions, const NetlinkEvent &event,
              TimePoint now) {
    return std::visit(
        Overloaded{
            [&](const LinkMessage &message) {
                if (const auto pci = supervisor.may_be_leaving(message); pci && loses_driver(*pci))
                    return supervisor.link_leaving(message.ifindex);
                std::optional<DeviceFacts> facts;
                if (supervisor.wants_facts(message))
                    facts = facts_of(message, functions);
                return supervisor.link(message, facts);
            },
            [&](const LinkGone &gone) { return supervisor.link_gone(gone.ifindex); },
            [&](const AddressMessage &message) { return supervisor.address(message, now); },
            [&](DumpBegin) {
                supervisor.begin_listing();
                return Decision{};
            },
            [&](DumpDone) { return supervisor.end_listing(now); },
        },
        event);
}

} // namespace

// ---- The kernel.

Decision Driver::take_locked(const NetlinkEvent &event) {
    return take(supervisor_, functions_, event, devices_.now());
}

void Driver::netlink_readable() noexcept {
    guarded("netlink", [this] {
        Decision decision;
        const TimePoint began = devices_.now();
        sources_.read_netlink(
            [&](const NetlinkEvent &event) {
                const MutexLock lock(mutex_);
                decision.append(take_locked(event));
            },
            began);
        registry_.note_notification(decision.traffic, began);
        run(std::move(decision));
    });
}

Decision Driver::function_event_locked(const PciEvent &event) {
    functions_.take(event);
    switch (event.kind) {
    case PciEvent::Kind::added:
        return {};
    case PciEvent::Kind::unbound:
        if (devices_.kernel_driver(event.address))
            return {};
        return supervisor_.vf_event(event.address, VfFunctionUnbound{}, devices_.now());
    case PciEvent::Kind::removed:
        binder_.forget_removed(event.address);
        return supervisor_.vf_event(event.address,
                                    VfFunctionRemoved{.replaced = devices_.exists(event.address)},
                                    devices_.now());
    }
    return {};
}

void Driver::uevents_readable() noexcept {
    guarded("uevent", [this] {
        const TimePoint began = devices_.now();
        auto [events, lost, for_applications] = sources_.read_uevents();
        Decision decision;
        std::vector<PciAddress> without_driver;
        {
            const MutexLock lock(mutex_);
            for (const PciEvent &event : events) {
                if (event.kind != PciEvent::Kind::added &&
                    supervisor_.port_with_vf(event.address) &&
                    !devices_.kernel_driver(event.address))
                    without_driver.push_back(event.address);
                decision.append(function_event_locked(event));
            }
            if (lost) {
                functions_.forget();
                for (const PciAddress &vf : supervisor_.vfs()) {
                    if (!devices_.exists(vf))
                        decision.append(function_event_locked(
                            {.address = vf, .kind = PciEvent::Kind::removed, .id = {}}));
                }
            }
        }
        for (const PciAddress &vf : without_driver)
            replace_registers(vf);
        registry_.note_notification(decision.traffic, began);
        run(std::move(decision));
        relay_.deliver(events, devices_.now());
        for (KernelEvent &event : for_applications)
            kernel_event_bus().publish(std::move(event), devices_.now());
        arm();
    });
}

// When a VF leaves, hv_netvsc moves the host's data path before the VF's kernel driver stops the
// VF. RTM_NEWLINK comes only afterwards. Until then fail-safe would send by a VF that may not send.
void Driver::kernel_log_readable() noexcept {
    guarded("kernel log", [this] {
        Decision decision;
        const TimePoint began = devices_.now();
        sources_.read_kernel_log([&](std::string_view line) {
            const std::string netdevice = vf_left_by_data_path(line);
            if (netdevice.empty())
                return;
            const MutexLock lock(mutex_);
            const Link *vf = supervisor_.links().find(netdevice);
            if (vf != nullptr && vf->may_be_vf() && loses_driver(*vf->facts.pci))
                decision.append(supervisor_.link_leaving(vf->ifindex()));
        });
        registry_.note_notification(decision.traffic, began);
        if (!decision.empty())
            run(std::move(decision));
    });
}

// ---- EAL's device events.

// They come from vfio, which requests the release of a present device, or from EAL's monitor. That
// one reads one uevent at a time. On a busy machine its removal may be old, and another device may
// have the address: by uio, EAL has just unmapped that one's registers. In both cases the device
// has a kernel driver.
void Driver::device_event(const char *device, rte_dev_event_type event) noexcept {
    guarded("device event", [&] {
        const auto pci = PciAddress::parse(device != nullptr ? device : "");
        if (!pci || event != RTE_DEV_EVENT_REMOVE || EventRelay::is_delivering())
            return;
        const auto bound_to = devices_.kernel_driver(*pci);
        if (!bound_to || *bound_to == "vfio-pci")
            relay_.note_removal(*pci);
        Decision decision;
        {
            const MutexLock lock(mutex_);
            decision = supervisor_.vf_event(
                *pci, bound_to ? VfEvent{VfReleaseRequested{}} : VfEvent{VfFunctionRemoved{}},
                devices_.now());
        }
        registry_.note_notification(decision.traffic, devices_.now());
        carry_out(std::move(decision));
    });
}

// ---- ethdev events.

void Driver::ethdev_event(std::uint16_t port, rte_eth_event_type event) noexcept {
    guarded("ethdev event", [&] { handle_ethdev_event(rte_eth_devices[port], event); });
}

void Driver::handle_ethdev_event(rte_eth_dev &device, rte_eth_event_type event) {
    if (event == RTE_ETH_EVENT_NEW)
        port_created(device);
    else if (event == RTE_ETH_EVENT_DESTROY)
        port_closed(device);
    else if (event == RTE_ETH_EVENT_INTR_LSC)
        link_changed(device);
    else if (event == RTE_ETH_EVENT_INTR_RMV)
        vf_removal_raised(device);
    else if (event == RTE_ETH_EVENT_ERR_RECOVERING)
        vf_event(device, VfRecovering{});
    else
        vf_event(device, VfRecovered{.success = event == RTE_ETH_EVENT_RECOVERY_SUCCESS});
}

// fail-safe creates its fallback and configures it next. So the driver adapts it here.
void Driver::port_created(rte_eth_dev &device) {
    if (ScratchDevice::is_scratch(device)) {
        ScratchDevice::claim(device);
        return;
    }
    const auto number = fallback_device_number(device.data->name);
    if (!number)
        return;
    if (const auto above = registry_.find(*number))
        above->adapt_fallback(device);
}

void Driver::port_closed(const rte_eth_dev &device) {
    keepalive().port_closed(device.data->port_id);
    FallbackPort::forget(device.data->port_id);
    if (const auto number = FailsafePort::number_of(device.data->name)) {
        Decision decision;
        // fail-safe no longer uses the pipe.
        registry_.remove(*number);
        {
            const MutexLock lock(mutex_);
            queue_.drop_port(*number);
            decision = supervisor_.port_gone(*number);
        }
        carry_out(std::move(decision));
        return;
    }
    // Otherwise fail-safe might read the address and probe the VF itself.
    if (const auto above = port_above(device))
        above->withdraw();
    // fail-safe closes a VF's port in the interrupt thread.
    vf_event(device, VfPortClosed{.by_application = rte_thread_is_intr() == 0});
}

void Driver::vf_removal_raised(const rte_eth_dev &device) {
    // Before fail-safe receives the event and exchanges its burst functions.
    if (const auto above = port_above(device))
        above->use_safe_bursts();
    vf_event(device, VfRemovalRaised{});
}

std::shared_ptr<PortDevice> Driver::port_above(const rte_eth_dev &device) {
    const auto vf = vf_of(device);
    if (!vf)
        return nullptr;
    std::optional<PortNumber> number;
    {
        const MutexLock lock(mutex_);
        number = supervisor_.port_with_vf(*vf);
    }
    return number ? registry_.find(*number) : nullptr;
}

// Whoever raised it: the driver's event and ethdev's event report the same link.
//
// fail-safe does not receive its sub-devices' link events (see link_events.hpp), so the driver
// makes it read the link.
void Driver::link_changed(const rte_eth_dev &device) {
    if (const auto number = FailsafePort::number_of(device.data->name)) {
        registry_.report_link(*number, device.data->dev_link.link_status == RTE_ETH_LINK_UP,
                              devices_.now());
        return;
    }
    Decision decision;
    {
        const MutexLock lock(mutex_);
        const auto vf = vf_of(device);
        if (const auto above =
                vf ? supervisor_.port_with_vf(*vf) : fallback_device_number(device.data->name))
            decision.add(RefreshLink{.number = *above});
    }
    carry_out(std::move(decision));
}

void Driver::vf_event(const rte_eth_dev &device, const VfEvent &event) {
    const auto vf = vf_of(device);
    if (!vf)
        return;
    Decision decision;
    {
        const MutexLock lock(mutex_);
        decision = supervisor_.vf_event(*vf, event, devices_.now());
    }
    carry_out(std::move(decision));
}

} // namespace netvsc
