// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace netvsc {

/// One uevent of the kernel. Views the datagram that it was parsed from.
struct Uevent {
    std::string_view action;        ///< ACTION: add, remove, bind, unbind, change, ...
    std::string_view device_path;   ///< DEVPATH, below /sys
    std::string_view subsystem;     ///< SUBSYSTEM: pci, net, ...
    std::string_view pci_slot_name; ///< PCI_SLOT_NAME, of PCI devices; else empty
    std::string_view pci_id;        ///< PCI_ID, of PCI devices: "15B3:101A"; else empty
    std::string_view interface;     ///< INTERFACE, of netdevices; else empty
    std::uint64_t sequence = 0;     ///< SEQNUM: incremented by one for each uevent of the system
    /// SYNTH_UUID: the uevent is synthetic. A process wrote to the device's uevent attribute, as
    /// `udevadm trigger` does, and the device did not change. Empty for a real uevent.
    std::string_view synthetic;
};

/// Parses one datagram of NETLINK_KOBJECT_UEVENT: "action@devpath" and KEY=VALUE strings, each of
/// them terminated by NUL (kobject_uevent_env() in the kernel's lib/kobject_uevent.c).
/// @return nullopt for a malformed datagram: no NUL at its end, no ACTION, DEVPATH, SUBSYSTEM or
///         numeric SEQNUM, the same key twice, or a header that differs from ACTION and DEVPATH
[[nodiscard]] std::optional<Uevent> parse_uevent(std::span<const std::byte> datagram);

} // namespace netvsc
