// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "sysfs/pci_address.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// The device of a netdevice, from sysfs.
struct DeviceFacts {
    /// The device is on the VMBus and has NetVSC's class id.
    bool netvsc = false;
    /// The PCI function of the netdevice; nullopt for a NetVSC and for software netdevices.
    std::optional<PciAddress> pci;
    /// The PCI function is Microsoft's network adapter MANA: one function with several ports, each
    /// of them a netdevice.
    bool mana = false;

    bool operator==(const DeviceFacts &) const = default;
};

/// Reads the devices of netdevices from sysfs(5). Stateless. Any thread.
class Sysfs {
public:
    /// @param root  where sysfs is mounted; another folder in tests
    explicit Sysfs(std::string root = "/sys") : root_(std::move(root)) {}

    /// @param name     the netdevice's name, without '/'
    /// @param ifindex  the netdevice's index: a name can move to another netdevice
    /// @return empty facts for a netdevice without a device (veth, bridge, ...); failure(EINVAL)
    /// for
    ///         what is no name; failure(ESTALE) if another netdevice has the name now;
    ///         failure(ENODEV) if it was removed meanwhile; else the error of open(2)
    /// Sources: Documentation/ABI/testing/sysfs-class-net, sysfs-bus-vmbus.
    [[nodiscard]] Result<DeviceFacts> netdevice(const std::string &name, int ifindex) const;

    /// The same for a netdevice whose parent is known to be this PCI function, which excludes a
    /// NetVSC. Reads fewer files than netdevice().
    /// @return failure(ENODEV) if the function does not exist (any more)
    [[nodiscard]] Result<DeviceFacts> pci_netdevice(const PciAddress &pci) const;

private:
    std::string root_;
};

} // namespace netvsc
