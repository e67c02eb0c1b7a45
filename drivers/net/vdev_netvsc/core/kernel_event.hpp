// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/uevent.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace netvsc {

/// A uevent for applications (rte_pmd_vdev_netvsc_kernel.h), or the loss of some.
struct KernelEvent {
    std::uint64_t number = 0; ///< the kernel's
    std::string action;
    std::string subsystem;
    std::string device_path;
    std::string pci_address; ///< empty but for PCI functions
    std::string netdevice;   ///< empty but for netdevices; any bytes but '/'
    bool synthetic = false;  ///< a process has triggered it
    bool lost = false;       ///< the kernel dropped uevents; the rest is empty
    bool operator==(const KernelEvent &) const = default;
};

[[nodiscard]] KernelEvent kernel_event_of(const Uevent &event);

/// Which uevents a subscriber wants.
struct KernelEventFilter {
    std::optional<std::string> action;    ///< nullopt: any
    std::optional<std::string> subsystem; ///< nullopt: any

    /// A loss of uevents passes every filter.
    [[nodiscard]] bool passes(const KernelEvent &event) const;
};

} // namespace netvsc
