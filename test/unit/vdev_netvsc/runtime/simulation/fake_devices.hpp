// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/vf_event.hpp"
#include "kernel.hpp"
#include "runtime/devices.hpp"

#include <cerrno>
#include <functional>
#include <utility>

namespace netvsc::simulation {

using namespace std::chrono_literals;

/// DPDK, fail-safe and the application, as the driver sees them through Devices.
class FakeDevices : public Devices {
public:
    /// What the rest of the simulation does with ethdev's events.
    struct Events {
        std::function<void(PortNumber)> port_closed;
        std::function<void(const PciAddress &, const VfEvent &)> vf_event;
        /// Other threads run while a port is being created.
        std::function<void()> meanwhile;
    };

    FakeDevices(Random &random, Journal &journal, Kernel &kernel, Events events)
        : random_(random), journal_(journal), kernel_(kernel), events_(std::move(events)) {
        // Device names that are in use from the start.
        if (random_.one_in(2))
            names_in_use_.insert(static_cast<PortNumber>(random_.below(3)));
    }

    bool faults = true; ///< calls may fail
    TimePoint time{1h};
    std::map<std::string, int> statistics;

    class Port : public PortDevice {
    public:
        Port(FakeDevices &devices, PortNumber own_number, std::string driver)
            : number(own_number), bind(std::move(driver)), devices_(devices) {}

        const PortNumber number;
        const std::string bind;
        bool created = false;
        std::optional<PciAddress> pipe;
        std::optional<PciAddress> sub_device; ///< the VF that fail-safe has taken
        bool removal_reported = false;

        Result<void> create(std::chrono::milliseconds /*hotplug_poll*/) override {
            devices_.events_.meanwhile();
            const int error = devices_.names_in_use_.contains(number) ? EEXIST
                              : devices_.fault(4)                     ? ENOMEM
                                                                      : 0;
            devices_.journal_.add(
                "port " + std::to_string(number) +
                (error == 0 ? " is created" : " is not created: " + std::to_string(error)));
            created = error == 0;
            if (error == 0)
                return {};
            devices_.ports_.erase(number);
            return failure(error, "create");
        }
        // The application may have stopped the port, or may be configuring it.
        State state() const override {
            return {.port_id = static_cast<std::uint16_t>(number),
                    .started = !devices_.fault(2),
                    .half_configured = created && devices_.fault(20)};
        }
        std::optional<Fallback> fallback() const override { return Fallback::tap; }
        Result<void> announce(const std::string &devargs) override {
            pipe = PciAddress::parse(devargs);
            require(pipe.has_value(), "'" + devargs + "' in a pipe");
            return {};
        }
        void withdraw() override { pipe.reset(); }
        void use_safe_bursts() override {}
        void refresh_link(bool /*known_up*/) override {}
        void raise(PortEvent event) override {
            if (event != PortEvent::removal)
                return;
            require(!removal_reported, "a removal reported twice");
            removal_reported = true;
        }
        void adapt_fallback(rte_eth_dev & /*fallback*/) override {}

    private:
        FakeDevices &devices_;
    };
    [[nodiscard]] const std::map<PortNumber, std::shared_ptr<Port>> &ports() const {
        return ports_;
    }
    /// VFs' ethdev ports, each with the fail-safe port that owns it.
    [[nodiscard]] const std::map<PciAddress, std::optional<PortNumber>> &vf_ports() const {
        return vf_ports_;
    }

    // ---- Actions of DPDK and the application.

    /// fail-safe closes VFs whose removal was raised, and polls its pipe where it has no VF.
    bool failsafe_polls() {
        if (!removal_raised_.empty() && !fault(2)) {
            close_vf_port(*removal_raised_.begin());
            return true;
        }
        for (auto &[number, port] : ports_) {
            if (!port->created || port->sub_device || !port->pipe || fault(2))
                continue;
            const PciAddress pci = *std::exchange(port->pipe, std::nullopt);
            const auto vf = vf_ports_.find(pci);
            require(vf != vf_ports_.end(),
                    "fail-safe probes " + pci.to_string() + " by itself, which is not adapted");
            if (!vf->second) {
                vf->second = number;
                port->sub_device = pci;
            }
            return true;
        }
        return false;
    }
    /// The application closes a port, and may keep its device.
    void application_closes(PortNumber number) {
        if (random_.one_in(2))
            names_in_use_.insert(number);
        close(number);
    }
    void application_detaches() { names_in_use_.clear(); }
    /// A VF's port is closed by its PMD, or by the application.
    void lose_a_vf_port() {
        if (vf_ports_.empty())
            return;
        const PciAddress pci = random_.of(vf_ports_).first;
        const bool by_application = random_.one_in(2);
        journal_.add("the port of " + pci.to_string() + " is closed" +
                     (by_application ? " by the application" : ""));
        close_vf_port(pci, by_application);
    }
    /// A VF's PMD raises its removal by itself, as some do when their device is removed.
    void raise_a_removal() {
        for (const auto &[pci, owner] : vf_ports_) {
            if (owner && random_.one_in(2)) {
                journal_.add("the PMD of " + pci.to_string() + " raises its removal");
                ++statistics["removal by the PMD"];
                return raise_removal(PciAddress(pci));
            }
        }
    }

    // ---- Devices.

    Result<std::shared_ptr<PortDevice>> open_port(const CreatePort &command) override {
        require(safe_in_devargs(command.netdevice), "a name that is not safe in device arguments");
        const auto port = std::make_shared<Port>(*this, command.number, command.bind);
        ports_[command.number] = port;
        return port;
    }
    Result<bool> remove_port(PortNumber number,
                             const rte_vdev_device * /*being_removed*/) override {
        if (ports_.contains(number))
            close(number);
        return true;
    }

    int probe(const Vf &vf, bool /*link_up*/) override {
        if (vf_ports_.contains(vf.id.pci))
            return 0;
        if (!kernel_.has_pci(vf.id.pci) || fault(4))
            return ENODEV;
        vf_ports_[vf.id.pci] = std::nullopt;
        return 0;
    }
    VfPortUse use_of(const VfId &vf) const override {
        const auto port = vf_ports_.find(vf.pci);
        if (port == vf_ports_.end())
            return VfPortUse::none;
        return port->second ? VfPortUse::owned : VfPortUse::unused;
    }
    void raise_removal(const VfId &vf) override {
        require(use_of(vf) == VfPortUse::owned, "a removal of a VF without owner");
        removal_raised_.insert(vf.pci);
        events_.vf_event(vf.pci, VfRemovalRaised{});
    }
    void release_from_failsafe(const VfId & /*vf*/) override {}
    bool remove_unless_owned(const VfId &vf) override {
        if (use_of(vf) == VfPortUse::owned)
            return false;
        if (vf_ports_.contains(vf.pci))
            close_vf_port(vf.pci);
        return true;
    }
    HotPlugLock lock_hot_plug() override { return {}; }

    bool exists(const PciAddress &pci) const override { return kernel_.has_pci(pci); }
    std::optional<std::string> kernel_driver(const PciAddress &pci) const override {
        if (kernel_.bound().contains(pci))
            return "vfio-pci";
        return kernel_.has_pci(pci) ? std::optional("igbvf") : std::nullopt;
    }
    std::optional<std::string> bind(const PciAddress &pci, const std::string &driver) override {
        require(driver == "vfio-pci", "bind to " + driver);
        if (kernel_.bound().contains(pci))
            return std::nullopt;
        if (!kernel_.has_pci(pci) || fault(8)) // the kernel driver does not exist
            return failed_bind();
        require(kernel_.bind(pci), "a function that is neither bound nor not");
        if (!fault(6))
            return std::nullopt;
        kernel_.restore(pci); // the driver does not take the device
        return failed_bind();
    }
    Result<void> restore_driver(const PciAddress &pci) override {
        require(!vf_ports_.contains(pci), pci.to_string() + " is restored while it is in use");
        kernel_.restore(pci);
        return {};
    }

    bool rtnl_available() const override { return true; }
    TimePoint now() const override { return time; }
    int set_alarm(std::chrono::microseconds /*delay*/, void (* /*callback*/)(void *),
                  void * /*argument*/) override {
        return 0;
    }

private:
    std::optional<std::string> failed_bind() {
        ++statistics["failed bind"];
        return "the driver did not take it";
    }
    void close(PortNumber number) {
        if (const auto vf = ports_.at(number)->sub_device)
            close_vf_port(*vf);
        ports_.erase(number);
        events_.port_closed(number);
    }
    void close_vf_port(PciAddress pci, bool by_application = false) {
        if (const auto owner = vf_ports_.at(pci))
            ports_.at(*owner)->sub_device.reset();
        vf_ports_.erase(pci);
        removal_raised_.erase(pci);
        events_.vf_event(pci, VfPortClosed{.by_application = by_application});
    }
    bool fault(std::size_t n) const { return faults && random_.one_in(n); }

    Random &random_;
    Journal &journal_;
    Kernel &kernel_;
    const Events events_;
    std::map<PortNumber, std::shared_ptr<Port>> ports_;
    std::set<PortNumber> names_in_use_;   ///< numbers whose device name another device has
    std::set<PciAddress> removal_raised_; ///< VFs that fail-safe is to close
    std::map<PciAddress, std::optional<PortNumber>> vf_ports_;
};

} // namespace netvsc::simulation
