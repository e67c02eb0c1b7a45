// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event.hpp"
#include "core/fallback.hpp"
#include "core/vf_id.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace netvsc {

/// The <id> in net_failsafe_vsc<id> and its slow sub-device, such as net_tap_vsc<id>.
using PortNumber = std::uint32_t;
/// Which instance of the driver (which net_vdev_netvsc vdev).
using InstanceId = std::uint32_t;
/// CLOCK_MONOTONIC; handed in by the caller, never read by the core.
using TimePoint = std::chrono::steady_clock::time_point;

/// A VF that can be announced to fail-safe.
struct Vf {
    int ifindex = 0;
    VfId id;
    /// What goes into the pipe, without the newline: the PCI address and device arguments.
    std::string devargs;
    bool operator==(const Vf &) const = default;
};

/// Make net_failsafe_vsc<number> over this netdevice, with the VF (if any) announced from the
/// start. Answer as for Announce, and then with Supervisor::port_created() or port_failed().
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

/// Close the port and take its device away. Its end is told by Supervisor::port_gone().
struct DestroyPort {
    PortNumber number = 0;
};

/// The port is gone, or could not be made: let go of its VF: of the VF's port, if fail-safe never
/// took it, and of its binding, if we bound it. Answer with Supervisor::vf_released(). (The pipe
/// went with the port.)
struct ReleaseVf {
    VfId vf;
    bool give_back = false; ///< its own kernel driver gets it again
    bool operator==(const ReleaseVf &) const = default;
};

/// Bind the VF's PCI device to the kernel driver (if one is named), probe it, and write it into
/// the port's pipe. Answer with Supervisor::vf_bound() if it has been bound, and in any case
/// with vf_probed(); or with vf_held_back() alone if the application is just configuring the port.
struct Announce {
    PortNumber number = 0;
    Vf vf;
    std::string bind;
    /// The application closed the VF's port, perhaps because it is closing all: only if it has
    /// the fail-safe port started is the VF wanted. Else answer with vf_held_back(), too.
    bool only_if_started = false;
};

/// The VF is gone: empty the pipe, and make fail-safe let go of the VF's port. Answer with
/// Supervisor::vf_withdrawn().
struct Withdraw {
    PortNumber number = 0;
    VfId vf;
};

/// The VF is given up while it is there, and its port is closed: give it back to its own kernel
/// driver. Answer with Supervisor::vf_released().
struct GiveBack {
    VfId vf;
};

/// A VF has come or gone, or the carrier of a netdevice below the port has changed: let fail-safe
/// look at its link anew, and tell the application.
struct RefreshLink {
    PortNumber number = 0;
};

/// See whether fail-safe owns the VF's port. Answer with Supervisor::vf_checked().
struct CheckVf {
    PortNumber number = 0;
    VfId vf;
};

/// The port's NetVSC netdevice is gone: raise RTE_ETH_EVENT_INTR_RMV on the port.
struct ReportRemoval {
    PortNumber number = 0;
};

/// To be told to applications. (That a port has been closed is known before the core knows it.)
struct Report {
    EventType type{};
    PortNumber number = 0;
    std::optional<PciAddress> vf;
};

/// Something the user should read.
struct Message {
    enum class Level { error, warning, notice, info };
    Level level = Level::info;
    std::string text;
};

using Command = std::variant<CreatePort, DestroyPort, ReleaseVf, Announce, Withdraw, GiveBack,
                             CheckVf, RefreshLink, ReportRemoval, Report, Message>;
using Commands = std::vector<Command>;

inline void append(Commands &commands, Commands more) {
    std::ranges::move(more, std::back_inserter(commands));
}

inline void say(Commands &commands, Message::Level level, std::string text) {
    commands.emplace_back(Message{.level = level, .text = std::move(text)});
}

/// "net_failsafe_vsc<number>"
[[nodiscard]] inline std::string port_name(PortNumber number) {
    return "net_failsafe_vsc" + std::to_string(number);
}

} // namespace netvsc
