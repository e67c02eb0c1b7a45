// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/dpdk_devices.hpp"

#include "dpdk/clock.hpp"
#include "dpdk/dpdk_compat.hpp"
#include "dpdk/log.hpp"
#include "failsafe/failsafe_port.hpp"
#include "fallback/fallback_port.hpp"
#include "fallback/fallback_probe.hpp"
#include "netdev/rtnl_lock.hpp"
#include "netlink/traffic_control.hpp"
#include "sysfs/pci_driver.hpp"
#include "vf/device_events.hpp"
#include "vf/vf_port.hpp"

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_interrupts.h>

namespace netvsc {
namespace {

using Level = Message::Level;

rte_eth_event_type ethdev_event_of(PortEvent event) {
    switch (event) {
    case PortEvent::removal:
        return RTE_ETH_EVENT_INTR_RMV;
    case PortEvent::recovering:
        return RTE_ETH_EVENT_ERR_RECOVERING;
    case PortEvent::recovered:
        return RTE_ETH_EVENT_RECOVERY_SUCCESS;
    case PortEvent::recovery_failed:
        return RTE_ETH_EVENT_RECOVERY_FAILED;
    }
    std::unreachable();
}

class DpdkPort : public PortDevice {
public:
    /// @param note  logged once the port is created
    DpdkPort(PortNumber number, FailsafePort port, Message note)
        : number_(number), port_(std::move(port)), note_(std::move(note)) {}

    Result<void> create(std::chrono::milliseconds hotplug_poll) override {
        auto created = port_.create(hotplug_poll);
        if (created && !note_.text.empty())
            log(note_.level, note_.text);
        return created;
    }
    State state() const override {
        return {.port_id = port_.port_id(),
                .started = port_.started(),
                .half_configured = port_.half_configured(),
                .link_up = port_.link_up(),
                .has_fallback = port_.has_fallback()};
    }
    std::optional<Fallback> fallback() const override { return port_.fallback().kind; }
    Result<void> announce(const std::string &devargs) override { return port_.announce(devargs); }
    void withdraw() override { port_.withdraw(); }
    void use_safe_bursts() override { port_.use_safe_bursts(); }
    void refresh_link(bool known_up) override { port_.refresh_link(known_up); }
    void raise(PortEvent event) override {
        std::uint16_t port = 0;
        if (rte_eth_dev_get_port_by_name(port_name(number_).c_str(), &port) == 0)
            rte_eth_dev_callback_process(&rte_eth_devices[port], ethdev_event_of(event), nullptr);
    }
    void adapt_fallback(rte_eth_dev &fallback) override {
        const auto &below = port_.fallback();
        if (below.kind)
            FallbackPort::adapt(fallback, *below.kind, below.netdevice.ifindex);
    }

private:
    const PortNumber number_;
    FailsafePort port_;
    const Message note_;
};

// tc filters of a killed process redirect the netdevice's frames to a netdevice that no longer
// exists: the port would receive nothing.
void remove_dead_redirects(const CreatePort &command) {
    const auto control = TrafficControl::open();
    const auto removed = control ? control->remove_dead_redirects(command.ifindex)
                                 : std::unexpected(control.error());
    if (removed && *removed > 0)
        log(Level::notice, port_name(command.number) + ": removed " + std::to_string(*removed) +
                               " filters from " + command.netdevice +
                               " that redirected to a removed netdevice; a killed process left "
                               "them");
    else if (!removed && removed.error().number != EPERM)
        log(Level::warning, port_name(command.number) + ": " + removed.error().message());
}

Message note_on(const FallbackChoice &choice, const CreatePort &command) {
    const std::string port = port_name(command.number) + ": ";
    if (!choice.problem.empty())
        return {.level = Level::error,
                .text = port + choice.problem + "; the port works only while it has a VF"};
    if (!command.fallback && choice.kind)
        return {.level = Level::notice,
                .text = port + "fallback=auto uses " + std::string(name_of(*choice.kind)) + ": " +
                        choice.reason};
    return {};
}

class DpdkDevices : public Devices {
public:
    Result<std::shared_ptr<PortDevice>> open_port(const CreatePort &command) override {
        const auto choice = choose_fallback(command.fallback, [&](Fallback kind) {
            return find_missing_parts(kind, command.ifindex, command.netdevice);
        });
        remove_dead_redirects(command);
        auto opened = FailsafePort::open(command.number, {.kind = choice.kind,
                                                          .netdevice = {.name = command.netdevice,
                                                                        .ifindex = command.ifindex,
                                                                        .mac = command.mac}});
        if (!opened)
            return std::unexpected(std::move(opened.error()));
        return std::make_shared<DpdkPort>(command.number, std::move(*opened),
                                          note_on(choice, command));
    }

    // rte_eal_cleanup() walks the vdev bus's list and keeps a pointer to the device behind the
    // current one. If that is one of the port's devices, it must not be freed here. Closing the
    // port does all that matters.
    Result<bool> remove_port(PortNumber number, const rte_vdev_device *being_removed) override {
        if (auto closed = close_failsafe_port(number); !closed)
            return std::unexpected(std::move(closed.error()));
        const rte_vdev_device *next =
            being_removed != nullptr ? next_in_cleanup(*being_removed) : nullptr;
        const std::string_view name = next != nullptr ? rte_vdev_device_name(next) : "";
        const bool kept =
            FailsafePort::number_of(name) == number || fallback_device_number(name) == number;
        return !kept && remove_failsafe_device(number);
    }

    int probe(const Vf &vf, bool link_up) override {
        if (const int error = VfPort::probe(vf.devargs); error != 0)
            return error;
        const auto probed = VfPort::find(vf.id);
        if (!probed)
            return ENODEV;
        probed->adapt(link_up);
        return 0;
    }
    VfPortUse use_of(const VfId &vf) const override {
        const auto port = VfPort::find(vf);
        if (!port)
            return VfPortUse::none;
        if (port->owned())
            return VfPortUse::owned;
        return port->started() ? VfPortUse::started : VfPortUse::unused;
    }
    void raise_removal(const VfId &vf) override {
        if (const auto port = VfPort::find(vf))
            port->raise_removal();
    }
    void release_from_failsafe(const VfId &vf) override {
        if (const auto port = VfPort::find(vf))
            port->release_from_failsafe();
    }
    bool remove_unless_owned(const VfId &vf) override { return VfPort::remove_unless_owned(vf); }
    HotPlugLock lock_hot_plug() override { return netvsc::lock_hot_plug(); }

    bool exists(const PciAddress &pci) const override { return PciDriver(pci).exists(); }
    std::optional<std::string> kernel_driver(const PciAddress &pci) const override {
        return PciDriver(pci).current();
    }
    std::optional<std::string> bind(const PciAddress &pci, const std::string &driver) override {
        return bind_vf(pci, driver);
    }
    Result<void> restore_driver(const PciAddress &pci) override { return PciDriver(pci).restore(); }

    bool rtnl_available() const override {
        return rte_thread_is_intr() == 0 || netvsc::rtnl_available();
    }
    TimePoint now() const override { return netvsc::now(); }
    int set_alarm(std::chrono::microseconds delay, void (*callback)(void *),
                  void *argument) override {
        return rte_eal_alarm_set(static_cast<std::uint64_t>(delay.count()), callback, argument);
    }
};

} // namespace

Devices &dpdk_devices() {
    static auto *devices = new DpdkDevices;
    return *devices;
}

} // namespace netvsc
