// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci_address.hpp"
#include "uevent.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// What a uevent tells of a PCI device. One that is taken away is first unbound from its kernel
/// driver: with a UIO driver, which asks nobody, it works no more from then on.
struct PciEvent {
    enum class Kind { added, unbound, removed };
    PciAddress address;
    Kind kind = Kind::added;
};

/// @return nullopt for an event that is not about a PCI device's coming or going, or that somebody
///         asked for
[[nodiscard]] std::optional<PciEvent> pci_event_of(const Uevent &event);

/// Lets DPDK's drivers go on in a device that the kernel has taken away: its registers are
/// replaced by plain memory. For devices bound to a UIO driver; does nothing for others.
void replace_registers(const PciAddress &address);

/// EAL's handler for SIGBUS, which an access to a device that has gone raises, is there from now
/// on. The application may have asked for it already: then nothing changes.
void survive_lost_registers();

/// Binds a VF to a kernel driver, having checked what DPDK and that driver need beyond sysfs.
/// @return an error message for the user; nullopt if the VF is bound
[[nodiscard]] std::optional<std::string> bind_vf(const PciAddress &address,
                                                 const std::string &driver);

} // namespace netvsc
