// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/port_record.hpp"
#include "core/supervisor.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// The sub-device that carries a port's packets.
enum class Path {
    none,     ///< the port is stopped, or has no sub-device
    fallback, ///< the fallback
    vf,       ///< the VF
};

[[nodiscard]] constexpr std::string_view name_of(Path path) {
    switch (path) {
    case Path::vf:
        return "vf";
    case Path::fallback:
        return "fallback";
    case Path::none:
        return "none";
    }
    return "unknown";
}

/// A VF in the API and telemetry: its PCI address, or an empty string.
[[nodiscard]] inline std::string text_of(const std::optional<PciAddress> &vf) {
    return vf ? vf->to_string() : "";
}

/// The state of one port, for the API and telemetry.
struct PortStatus {
    std::string name;                 ///< "net_failsafe_vsc0"
    std::optional<Fallback> fallback; ///< nullopt: the port has none
    Supervisor::PortView view;
    PortRecord record;
    Path path = Path::none;
};

/// Counters of the driver as a whole.
struct DriverCounters {
    /// Listings after lost notifications.
    std::uint64_t resyncs = 0;
    /// Netlink messages that were malformed or not from the kernel.
    std::uint64_t dropped_messages = 0;
};

} // namespace netvsc
