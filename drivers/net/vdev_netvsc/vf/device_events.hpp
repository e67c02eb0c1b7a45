// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sysfs/pci_address.hpp"

#include <optional>
#include <string>

namespace netvsc {

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
