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

/// One net_failsafe device over a slow sub-device, and the pipe it learns of its VF from.
///
/// fail-safe duplicates the pipe's reading end whenever it looks into it, which it does for as
/// long as its port lives: the object must outlive the port.
class FailsafePort {
public:
    struct FallbackSettings {
        std::optional<Fallback> kind; ///< nullopt: there is none
        FallbackNetdevice netdevice;
    };

    /// Opens the pipe; makes no device yet.
    [[nodiscard]] static Result<FailsafePort> open(PortNumber number, FallbackSettings fallback);

    /// "net_failsafe_vsc<number>"
    [[nodiscard]] static std::string device_name(PortNumber number);
    /// The inverse of device_name(); nullopt for any other device's name.
    [[nodiscard]] static std::optional<PortNumber> number_of(std::string_view device_name);

    /// Makes the fail-safe device, and by that its ethdev port, with its slow sub-device. That
    /// fail-safe could not make the sub-device is no error: it tries again by itself.
    /// @return failure(EEXIST) if the name is still carried by a device
    [[nodiscard]] Result<void> create(std::chrono::milliseconds hotplug_poll);

    [[nodiscard]] const FallbackSettings &fallback() const { return fallback_; }

    /// ethdev's number of the port; nullopt when there is none.
    [[nodiscard]] std::optional<std::uint16_t> port_id() const;

    /// The application has the port started.
    [[nodiscard]] bool started() const;

    /// The application has configured the port, but not set all its queues up yet.
    [[nodiscard]] bool half_configured() const;

    /// The slow sub-device is there.
    [[nodiscard]] bool has_fallback() const;

    /// The port's link status; false as well when there is no port.
    [[nodiscard]] bool link_up() const;

    /// Has fail-safe ask the sub-device it now sends by for its link status, and tells the
    /// application (RTE_ETH_EVENT_INTR_LSC) if it is another than it was last told. fail-safe
    /// itself keeps the status of a VF that left, which was "down" in the end, and an application
    /// that asks for the status changes what fail-safe compares with.
    /// The port must have been started.
    void refresh_link(bool told_up) const;

    /// Makes the application call fail-safe's safe burst functions from now on. fail-safe
    /// itself exchanges the fast ones for these when a sub-device leaves, but only in its
    /// rte_eth_dev: the application's calls go through rte_eth_fp_ops, which (DPDK 21.11 and
    /// later) is filled when the port is started, and would crash in a sub-device that is gone.
    void use_safe_bursts() const;

    /// Writes @p devargs and a newline into the pipe, in place of what may be in it.
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
    /// What fail-safe starts with: the safe ones.
    eth_rx_burst_t safe_rx_burst_ = nullptr;
    eth_tx_burst_t safe_tx_burst_ = nullptr;
};

/// Stops and closes the ethdev port of fail-safe device @p number, which takes its sub-devices
/// away; none is left if there was none.
/// @return failure if the port is there still
[[nodiscard]] Result<void> close_failsafe_port(PortNumber number);

/// Takes fail-safe device @p number, and what create() has left of it, from the vdev bus; its port
/// must have been closed.
/// @return whether they are not there any more
[[nodiscard]] bool remove_failsafe_device(PortNumber number);

} // namespace netvsc
