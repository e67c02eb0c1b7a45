// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sysfs/pci_address.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// Replaces the registers of a removed device by plain memory, so that DPDK's drivers can still
/// access them. Only for devices bound to a UIO driver; does nothing for others.
void replace_registers(const PciAddress &address);

/// Enables EAL's handler for SIGBUS, which an access to a removed device raises. Changes nothing if
/// the application has enabled it already.
void handle_sigbus();

/// Checks that DPDK can use the kernel driver here, and binds a VF to it.
/// @return an error message for the user; nullopt if the VF is bound
[[nodiscard]] std::optional<std::string> bind_vf(const PciAddress &address,
                                                 const std::string &driver);

} // namespace netvsc
