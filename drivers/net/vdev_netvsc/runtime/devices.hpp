// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "core/command.hpp"
#include "dpdk/hot_plug_lock.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct rte_eth_dev;
struct rte_vdev_device;

namespace netvsc {

/// One fail-safe port and its pipe. The object must outlive the port. Any thread, unless a
/// function says otherwise. Implemented by DPDK (dpdk_devices.hpp) and by tests.
class PortDevice {
public:
    PortDevice() = default;
    PortDevice(const PortDevice &) = delete;
    PortDevice &operator=(const PortDevice &) = delete;
    virtual ~PortDevice() = default;

    /// Creates the port. @return failure(EEXIST) if another device has its name
    [[nodiscard]] virtual Result<void> create(std::chrono::milliseconds hotplug_poll) = 0;

    struct State {
        std::optional<std::uint16_t> port_id; ///< ethdev's; nullopt: no port
        bool started = false;
        /// The application configured the port, but has not set up all its queues yet.
        bool half_configured = false;
        bool link_up = false;
        bool has_fallback = false; ///< the fallback exists
    };
    [[nodiscard]] virtual State state() const = 0;
    /// The kind of the fallback; nullopt: the port has none.
    [[nodiscard]] virtual std::optional<Fallback> fallback() const = 0;

    /// Replaces the pipe's contents by @p devargs and a newline.
    [[nodiscard]] virtual Result<void> announce(const std::string &devargs) = 0;
    /// Empties the pipe.
    virtual void withdraw() = 0;
    /// Makes the application call burst functions that survive the removal of a sub-device.
    virtual void use_safe_bursts() = 0;
    /// Makes fail-safe read its link again. Raises RTE_ETH_EVENT_INTR_LSC if the link is not as
    /// the application knows it. The port must have been started.
    virtual void refresh_link(bool known_up) = 0;
    /// Raises an event of ethdev on the port.
    virtual void raise(PortEvent event) = 0;
    /// The port's fallback was created: makes it fit for fail-safe. Called from
    /// RTE_ETH_EVENT_NEW.
    virtual void adapt_fallback(rte_eth_dev &fallback) = 0;
};

/// DPDK and the kernel's PCI bus, as the driver uses them. Any thread. Implemented by DPDK
/// (dpdk_devices.hpp) and by tests.
class Devices {
public:
    Devices() = default;
    Devices(const Devices &) = delete;
    Devices &operator=(const Devices &) = delete;
    virtual ~Devices() = default;

    // ---- Fail-safe ports.

    /// Chooses the fallback and opens the pipe. Creates no device.
    [[nodiscard]] virtual Result<std::shared_ptr<PortDevice>>
    open_port(const CreatePort &command) = 0;
    /// Closes the port, if it exists, and removes its devices.
    /// @param being_removed  the driver's own device, if the vdev bus is removing that; else null
    /// @return whether all devices are removed; an error if the port was not closed
    [[nodiscard]] virtual Result<bool> remove_port(PortNumber number,
                                                   const rte_vdev_device *being_removed) = 0;

    // ---- VFs' ethdev ports.

    /// Probes the VF and makes its port fit for fail-safe. Needs lock_hot_plug().
    /// @param link_up  the fail-safe port's link
    /// @return 0 or a positive errno
    [[nodiscard]] virtual int probe(const Vf &vf, bool link_up) = 0;
    enum class VfPortUse {
        none,    ///< the VF has no port
        unused,  ///< nobody owns it, and it is stopped
        started, ///< nobody owns it, and the application has started it
        owned,   ///< fail-safe (or another owner) has taken it
    };
    [[nodiscard]] virtual VfPortUse use_of(const VfId &vf) const = 0;
    /// Raises RTE_ETH_EVENT_INTR_RMV on the VF's port. Do not hold lock_hot_plug().
    virtual void raise_removal(const VfId &vf) = 0;
    /// Takes the VF's port from a fail-safe port whose creation failed.
    virtual void release_from_failsafe(const VfId &vf) = 0;
    /// Closes the VF's port, if any, and removes its PCI device from DPDK.
    /// @return false if somebody owns the port: then nothing changes
    virtual bool remove_unless_owned(const VfId &vf) = 0;
    /// Keeps all other threads' hot-plugs of VFs away. See hot_plug_lock.hpp for the lock order.
    [[nodiscard]] virtual HotPlugLock lock_hot_plug() = 0;

    // ---- PCI functions.

    [[nodiscard]] virtual bool exists(const PciAddress &pci) const = 0;
    /// @return the function's kernel driver; nullopt: none, or unknown
    [[nodiscard]] virtual std::optional<std::string> kernel_driver(const PciAddress &pci) const = 0;
    /// @return an error message for the user; nullopt: the function is bound
    [[nodiscard]] virtual std::optional<std::string> bind(const PciAddress &pci,
                                                          const std::string &driver) = 0;
    /// Rebinds the function to the kernel driver that the kernel chooses.
    [[nodiscard]] virtual Result<void> restore_driver(const PciAddress &pci) = 0;

    // ---- The kernel.

    /// Whether requests that take the kernel's rtnl lock would return soon. Always true outside
    /// EAL's interrupt thread, because only that thread must not block.
    [[nodiscard]] virtual bool rtnl_available() const = 0;

    // ---- Time.

    [[nodiscard]] virtual TimePoint now() const = 0;
    /// Calls @p callback once in EAL's interrupt thread, after @p delay.
    /// @return 0 or a negative errno
    [[nodiscard]] virtual int set_alarm(std::chrono::microseconds delay, void (*callback)(void *),
                                        void *argument) = 0;
};

} // namespace netvsc
