// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "link.hpp"
#include "pci_address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace netvsc {

/// The <id> in net_failsafe_vsc<id> and net_tap_vsc<id>.
using PortNumber = std::uint32_t;
/// Which instance of the driver (which net_vdev_netvsc vdev).
using InstanceId = std::uint32_t;
/// CLOCK_MONOTONIC; handed in by the caller, never read by the core.
using TimePoint = std::chrono::steady_clock::time_point;

/// A VF that can be announced to fail-safe.
struct Vf {
    int ifindex = 0;
    PciAddress pci;
    /// What goes into the pipe, without the newline: the PCI address and device arguments.
    std::string devargs;
    bool operator==(const Vf &) const = default;
};

/// Make net_failsafe_vsc<number> over this netdevice, with the VF (if any) announced from the
/// start. Answer with Supervisor::port_created() or port_failed().
struct CreatePort {
    PortNumber number = 0;
    std::string netdevice;
    std::chrono::milliseconds hotplug_poll{};
    std::optional<Vf> vf;
};

/// Close the port and take its device away. Its end is told by Supervisor::port_gone().
struct DestroyPort {
    PortNumber number = 0;
};

/// The port is gone, or could not be made: let go of the VF's port if fail-safe never took it.
/// (The pipe went with the port: by now the number may be another's.)
struct ReleasePort {
    PortNumber number = 0;
    std::optional<PciAddress> vf;
};

/// Probe the VF's PCI device and write it into the port's pipe. Answer with
/// Supervisor::vf_probed().
struct Announce {
    PortNumber number = 0;
    Vf vf;
};

/// The VF is gone: empty the pipe, and make fail-safe let go of the VF's port.
struct Withdraw {
    PortNumber number = 0;
    PciAddress pci;
};

/// See whether fail-safe owns the VF's port. Answer with Supervisor::vf_checked().
struct CheckVf {
    PortNumber number = 0;
    PciAddress pci;
};

/// The port's NetVSC netdevice is gone: raise RTE_ETH_EVENT_INTR_RMV on the port.
struct ReportRemoval {
    PortNumber number = 0;
};

/// Something the user should read.
struct Message {
    enum class Level { error, warning, notice, info };
    Level level = Level::info;
    std::string text;
};

using Command = std::variant<CreatePort, DestroyPort, ReleasePort, Announce, Withdraw, CheckVf,
                             ReportRemoval, Message>;
using Commands = std::vector<Command>;

} // namespace netvsc
