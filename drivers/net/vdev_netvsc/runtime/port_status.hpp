// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/port_record.hpp"
#include "core/supervisor.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// By what a port's packets go.
enum class Path {
    none,     ///< it is stopped, or has neither
    fallback, ///< the slow sub-device
    vf,
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

/// A VF as others are told it: its PCI address, or nothing.
[[nodiscard]] inline std::string text_of(const std::optional<PciAddress> &vf) {
    return vf ? vf->to_string() : "";
}

/// One port as it is now, for those who show it.
struct PortStatus {
    std::string name;                 ///< "net_failsafe_vsc0"
    std::optional<Fallback> fallback; ///< nullopt: it has none
    Supervisor::PortView view;
    PortRecord record;
    Path path = Path::none;
};

/// What the driver as a whole has seen.
struct DriverCounters {
    std::uint64_t resyncs = 0; ///< times everything was listed anew: messages were lost
    std::uint64_t dropped_messages =
        0; ///< netlink messages that were malformed or not the kernel's
};

} // namespace netvsc
