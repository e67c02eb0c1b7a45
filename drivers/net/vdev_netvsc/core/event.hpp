// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sysfs/pci_address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// What is told to applications (rte_pmd_vdev_netvsc.h) and to readers of the telemetry. The values
/// are those of the public enumeration.
enum class EventType : std::uint8_t {
    port_added,   ///< a fail-safe port has been made over a NetVSC
    port_removed, ///< it has been closed, its VF with it
    vf_present,   ///< a VF has come to a port
    vf_attached,  ///< fail-safe has taken it
    vf_failed,    ///< it could not be bound or probed, or fail-safe let go of it; it is tried again
    vf_removed,   ///< it is gone
    link_up,      ///< of the fail-safe port
    link_down,    ///< of the fail-safe port
    lcore_alive,  ///< an lcore that was missing or dead polls again
    lcore_missing, ///< an lcore has not polled for a period
    lcore_dead,    ///< nor for the next one
};

/// "vf_attached"
[[nodiscard]] std::string_view name_of(EventType type);

/// The port id of what is not about one port.
constexpr std::uint16_t no_port = 0xffff;

/// One thing that has happened.
struct Event {
    EventType type{};
    std::uint16_t port_id = no_port; ///< ethdev's
    std::string port;                ///< its name; empty: not about one port
    std::string netdevice;           ///< the NetVSC's; not to be trusted to be printable
    std::optional<PciAddress> vf;
    int lcore = -1;
    bool operator==(const Event &) const = default;
};

/// One with its place among all.
struct NumberedEvent {
    std::uint64_t sequence = 0;                 ///< from 1 on, without holes
    std::chrono::steady_clock::time_point time; ///< when it was published
    Event event;
    bool operator==(const NumberedEvent &) const = default;
};

} // namespace netvsc
