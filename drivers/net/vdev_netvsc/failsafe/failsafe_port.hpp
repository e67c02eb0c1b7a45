// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "core/command.hpp"
#include "netdev/lro_pause.hpp"

#include <optional>
#include <string>

#include <rte_ethdev.h>

namespace netvsc {

/// One net_failsafe device over its fallback, and the pipe in which the driver announces the VF.
///
/// fail-safe duplicates the pipe's reading end at each poll, until its port is closed. So the
/// object must outlive the port.
class FailsafePort {
public:
    struct FallbackSettings {
        std::optional<Fallback> kind; ///< nullopt: the port has no fallback
        FallbackNetdevice netdevice;
    };

    /// Opens the pipe. Does not create the device.
    [[nodiscard]] static Result<FailsafePort> open(PortNumber number, FallbackSettings fallback);

    /// "net_failsafe_vsc<number>"
    [[nodiscard]] static std::string device_name(PortNumber number);
    /// The inverse of device_name(); nullopt for any other device's name.
    [[nodiscard]] static std::optional<PortNumber> number_of(std::string_view device_name);

    /// Creates the fail-safe device and its ethdev port, and the fallback. If fail-safe cannot
    /// create the fallback, this is no error: fail-safe retries.
    /// @return failure(EEXIST) if a device with this name exists, else the error of the netdevice
    /// or
    ///         of rte_eal_hotplug_add()
    [[nodiscard]] Result<void> create(std::chrono::milliseconds hotplug_poll);

    [[nodiscard]] const FallbackSettings &fallback() const { return fallback_; }

    /// ethdev's number of the port; nullopt if the port does not exist.
    [[nodiscard]] std::optional<std::uint16_t> port_id() const;

    /// The application has started the port.
    [[nodiscard]] bool started() const;

    /// The application has configured the port, but has not set up all its queues.
    [[nodiscard]] bool half_configured() const;

    /// The fallback's port exists.
    [[nodiscard]] bool has_fallback() const;

    /// The port's link status; false if the port does not exist.
    [[nodiscard]] bool link_up() const;

    /// Makes fail-safe read the link status of the sub-device that it transmits by. Notifies the
    /// application (RTE_ETH_EVENT_INTR_LSC) if the status differs from the last notification.
    /// Reason: fail-safe keeps the status of a removed VF, which was "down" in the end. An
    /// application that reads the status changes the one that fail-safe compares with. The port
    /// must have been started before.
    /// @param reported_up  the status in the last notification
    void refresh_link(bool reported_up) const;

    /// Makes the application call fail-safe's safe burst functions from now on. When a sub-device
    /// is removed, fail-safe sets these only in its rte_eth_dev. The application's calls go through
    /// rte_eth_fp_ops, which (DPDK 21.11 and later) ethdev fills at the port's start. They would
    /// crash in the removed sub-device.
    void use_safe_bursts() const;

    /// Empties the pipe, and writes @p devargs and a newline into it. Does not wait.
    /// @return failure(EMSGSIZE) if the line is longer than PIPE_BUF, else the error of write(2)
    [[nodiscard]] Result<void> announce(const std::string &devargs) const;
    /// Empties the pipe.
    void withdraw() const;

private:
    FailsafePort(PortNumber number, FallbackSettings fallback, Pipe pipe)
        : number_(number), fallback_(std::move(fallback)), pipe_(std::move(pipe)) {}

    [[nodiscard]] rte_eth_dev *ethdev() const;
    void pause_lro();

    PortNumber number_;
    FallbackSettings fallback_;
    Pipe pipe_;
    std::optional<LroPause> lro_pause_; ///< of the netdevice below the fallback
    /// fail-safe's burst functions after its creation: the safe ones.
    eth_rx_burst_t safe_rx_burst_ = nullptr;
    eth_tx_burst_t safe_tx_burst_ = nullptr;
};

/// Stops and closes the ethdev port of fail-safe device @p number; fail-safe then removes its
/// sub-devices. Does nothing if the port does not exist.
/// @return failure if the port still exists
[[nodiscard]] Result<void> close_failsafe_port(PortNumber number);

/// Removes fail-safe device @p number and its fallback's device from the vdev bus. The port must be
/// closed.
/// @return false if one of them still exists
[[nodiscard]] bool remove_failsafe_device(PortNumber number);

} // namespace netvsc
