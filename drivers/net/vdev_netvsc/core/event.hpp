// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/vf_unused.hpp"
#include "sysfs/pci_address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// Events for applications (rte_pmd_vdev_netvsc.h) and telemetry. The values are those of the
/// public enumeration.
enum class EventType : std::uint8_t {
    port_added,    ///< a fail-safe port was created over a NetVSC
    port_removed,  ///< the port and its VF were closed
    vf_present,    ///< a port has a VF
    vf_attached,   ///< fail-safe owns the VF
    vf_failed,     ///< bind or probe failed, or fail-safe released the VF; the driver retries
    vf_removed,    ///< the VF was removed
    link_up,       ///< of the fail-safe port
    link_down,     ///< of the fail-safe port
    lcore_alive,   ///< a missing or dead lcore polls again
    lcore_missing, ///< an lcore has not polled for one period
    lcore_dead,    ///< an lcore has not polled for two periods
    vf_unused,     ///< a VF exists, but the port has used its fallback for UnusedVf::patience
    vf_unused_end, ///< after vf_unused: the VF carries the packets, or does not exist any more
};

/// "vf_attached"
[[nodiscard]] std::string_view name_of(EventType type);

/// The port id of an event that is not about one port.
constexpr std::uint16_t no_port = 0xffff;

/// One event.
struct Event {
    EventType type{};
    std::uint16_t port_id = no_port; ///< ethdev's
    std::string port;                ///< its name; empty: the event is not about one port
    std::string netdevice;           ///< the NetVSC's name; may have bytes that are not printable
    std::optional<PciAddress> vf;
    int lcore = -1;
    VfUnused reason = VfUnused::no; ///< of vf_unused
    bool operator==(const Event &) const = default;
};

/// An event with its sequence number.
template <typename Subject> struct NumberedOf {
    std::uint64_t sequence = 0;                 ///< from 1 on, without gaps
    std::chrono::steady_clock::time_point time; ///< when it was published
    Subject event;
    bool operator==(const NumberedOf &) const = default;
};
using NumberedEvent = NumberedOf<Event>;

} // namespace netvsc
