// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace netvsc {

/// One kernel uevent. The views lie within the datagram it was read from.
struct Uevent {
    std::string_view action;        ///< ACTION: add, remove, bind, unbind, change, ...
    std::string_view device_path;   ///< DEVPATH, below /sys
    std::string_view subsystem;     ///< SUBSYSTEM: pci, net, ...
    std::string_view pci_slot_name; ///< PCI_SLOT_NAME, of PCI devices; else empty
    std::string_view pci_id;        ///< PCI_ID, of PCI devices: "15B3:101A"; else empty
    std::string_view interface;     ///< INTERFACE, of netdevices; else empty
    std::uint64_t sequence = 0;     ///< SEQNUM, growing by one over all of the system's uevents
    /// SYNTH_UUID: somebody wrote to the device's uevent attribute (udevadm trigger does); nothing
    /// has happened to the device. Else empty.
    std::string_view synthetic;
};

/// Reads one datagram of NETLINK_KOBJECT_UEVENT: "action@devpath" and KEY=VALUE strings, each
/// ended by NUL (kobject_uevent() in the kernel's lib/kobject_uevent.c).
/// @return nullopt for a malformed one: not ended by NUL, without ACTION, DEVPATH, SUBSYSTEM or
///         a number in SEQNUM, a key given twice, or a header that says otherwise.
[[nodiscard]] std::optional<Uevent> parse_uevent(std::span<const std::byte> datagram);

} // namespace netvsc
