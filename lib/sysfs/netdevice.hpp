// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "sysfs/pci_address.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// What sysfs says of the device below a netdevice.
struct DeviceFacts {
    /// The device is on the VMBus and of NetVSC's class.
    bool netvsc = false;
    /// The PCI function the netdevice belongs to (not for a NetVSC).
    std::optional<PciAddress> pci;
    /// The PCI function is Microsoft's network adapter MANA, one function with several ports.
    bool mana = false;

    bool operator==(const DeviceFacts &) const = default;
};

/// Reads netdevices' attributes below a sysfs(5) tree. Stateless; any thread.
class Sysfs {
public:
    /// @param root  where sysfs is mounted; another folder in tests
    explicit Sysfs(std::string root = "/sys") : root_(std::move(root)) {}

    /// @param name     the netdevice's name; must not hold '/' (the kernel never gives one)
    /// @param ifindex  the netdevice meant: names move from one netdevice to another
    /// @return what the device is; failure(ESTALE) if @p name is another netdevice's by now.
    ///         A netdevice without a device (veth, bridge, ...) gives empty facts.
    /// Sources: Documentation/ABI/testing/sysfs-class-net, sysfs-bus-vmbus.
    [[nodiscard]] Result<DeviceFacts> netdevice(const std::string &name, int ifindex) const;

    /// The same of a netdevice that is known to be right above this PCI function, which no NetVSC
    /// is: fewer files to look into.
    /// @return failure(ENODEV) if the function is not there (any more)
    [[nodiscard]] Result<DeviceFacts> pci_netdevice(const PciAddress &pci) const;

private:
    std::string root_;
};

} // namespace netvsc
