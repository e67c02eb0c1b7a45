// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sysfs/kernel_driver.hpp"
#include "sysfs/pci_address.hpp"

#include <string>
#include <utility>

namespace netvsc {

/// The kernel driver of a PCI function.
class PciDriver : public KernelDriver {
public:
    /// @param root  where sysfs is mounted; another folder in tests
    explicit PciDriver(PciAddress address, std::string root = "/sys")
        : KernelDriver("pci", address.to_string(), std::move(root)) {}
};

} // namespace netvsc
