// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event.hpp"
#include "core/fallback.hpp"
#include "core/vf_id.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace netvsc {

/// The <id> in net_failsafe_vsc<id> and its fallback, such as net_tap_vsc<id>.
using PortNumber = std::uint32_t;
/// Which instance of the driver (which net_vdev_netvsc vdev).
using InstanceId = std::uint32_t;
/// CLOCK_MONOTONIC. The caller passes it in; the core never reads a clock.
using TimePoint = std::chrono::steady_clock::time_point;

/// A VF that can be announced to fail-safe.
struct Vf {
    int ifindex = 0;
    VfId id;
    /// The line for the pipe, without the newline: the PCI address and device arguments.
    std::string devargs;
    bool operator==(const Vf &) const = default;
};

// ---- Commands for the thread that decided them.

/// Create net_failsafe_vsc<number> over this netdevice. If there is a VF, prepare it first, as
/// for Announce. Outcome: PortCreated or PortFailed.
struct CreatePort {
    PortNumber number = 0;
    std::string netdevice;
    int ifindex = 0;
    std::optional<MacAddress> mac; ///< the netdevice's
    WantedFallback fallback;
    std::chrono::milliseconds hotplug_poll{};
    std::optional<Vf> vf;
    std::string bind; ///< as in Announce
};

/// Close the port and remove its device. The end of the port reaches the core as
/// Supervisor::port_gone().
struct DestroyPort {
    PortNumber number = 0;
};

/// The port was closed, or could not be created. Release its VF: close the VF's port unless
/// fail-safe owns it, and restore the kernel driver if the driver rebound the VF. Outcome:
/// VfReleased.
struct ReleaseVf {
    VfId vf;
    bool restore_driver = false;
    bool operator==(const ReleaseVf &) const = default;
};

// ---- Commands for EAL's interrupt thread.

/// Bind the VF's PCI function to the kernel driver (if one is named), write the VF into the
/// port's pipe and probe it. Outcome: VfHeldBack alone, if the application is configuring the
/// port. Else VfBound or VfBindFailed if a driver is named, then VfProbed.
struct Announce {
    PortNumber number = 0;
    Vf vf;
    std::string bind;
    /// The application closed the VF's port, perhaps because it closes all ports. The VF is
    /// wanted only while the fail-safe port is started; else the outcome is VfHeldBack.
    bool only_if_started = false;
};

/// The VF was removed: empty the pipe and make fail-safe release the VF's port. Outcome:
/// VfWithdrawn.
struct Withdraw {
    PortNumber number = 0;
    VfId vf;
    /// Raise RTE_ETH_EVENT_INTR_RMV if fail-safe owns the VF's port. False: the VF's PMD has
    /// raised it already.
    bool raise_removal = true;
};

/// The port gives up a VF that is present, and the VF's port is closed: restore its kernel
/// driver. Outcome: VfReleased.
struct RestoreDriver {
    VfId vf;
};

/// A VF has arrived or left, or the carrier of a netdevice below the port has changed: make
/// fail-safe read its link again, and notify the application.
struct RefreshLink {
    PortNumber number = 0;
};

/// Check whether fail-safe owns the VF's port. Outcome: VfChecked.
struct CheckVf {
    PortNumber number = 0;
    VfId vf;
};

/// An event of ethdev that the driver raises on a fail-safe port.
enum class PortEvent {
    removal,         ///< RTE_ETH_EVENT_INTR_RMV: the port's NetVSC netdevice was removed
    recovering,      ///< RTE_ETH_EVENT_ERR_RECOVERING of the port's VF
    recovered,       ///< RTE_ETH_EVENT_RECOVERY_SUCCESS of the port's VF
    recovery_failed, ///< RTE_ETH_EVENT_RECOVERY_FAILED of the port's VF
};

/// Raise an event on the port.
struct RaisePortEvent {
    PortNumber number = 0;
    PortEvent event{};
};

// ---- Notices.

/// An event for applications. The driver itself reports that a port was closed.
struct Report {
    EventType type{};
    PortNumber number = 0;
    std::optional<PciAddress> vf;
    VfUnused reason = VfUnused::no; ///< of vf_unused
};

/// A line for the log.
struct Message {
    enum class Level { error, warning, notice, info, debug };
    Level level = Level::info;
    std::string text;
};

/// Any thread may execute these. The thread that decided them does so at once.
using PortCommand = std::variant<CreatePort, DestroyPort, ReleaseVf>;
/// Only EAL's interrupt thread executes these, in the order of the decisions. fail-safe polls its
/// pipe in the same thread, so fail-safe never sees a half-executed command.
using TrafficCommand =
    std::variant<Announce, Withdraw, RestoreDriver, CheckVf, RefreshLink, RaisePortEvent>;
/// Notices come after all traffic commands: they may take as long as the log and the application
/// take.
using Notice = std::variant<Message, Report>;

/// What the core wants done after an input. Each list is in order.
struct Decision {
    std::vector<TrafficCommand> traffic;
    std::vector<Notice> notices;
    std::vector<PortCommand> ports;

    [[nodiscard]] bool empty() const { return traffic.empty() && notices.empty() && ports.empty(); }
    void append(Decision more) {
        std::ranges::move(more.traffic, std::back_inserter(traffic));
        std::ranges::move(more.notices, std::back_inserter(notices));
        std::ranges::move(more.ports, std::back_inserter(ports));
    }

    template <std::convertible_to<TrafficCommand> Command> void add(Command command) {
        traffic.emplace_back(std::move(command));
    }
    template <std::convertible_to<PortCommand> Command> void add(Command command) {
        ports.emplace_back(std::move(command));
    }
    void report(EventType type, PortNumber number, std::optional<PciAddress> vf = std::nullopt,
                VfUnused reason = VfUnused::no) {
        notices.emplace_back(Report{.type = type, .number = number, .vf = vf, .reason = reason});
    }
    void log(Message::Level level, std::string text) {
        notices.emplace_back(Message{.level = level, .text = std::move(text)});
    }
};

/// "net_failsafe_vsc<number>"
[[nodiscard]] inline std::string port_name(PortNumber number) {
    return "net_failsafe_vsc" + std::to_string(number);
}

} // namespace netvsc
