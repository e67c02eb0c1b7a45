// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/pci_binder.hpp"

#include "sysfs/pci_driver.hpp"

namespace netvsc {

Result<void> PciBinder::bind(const PciAddress &address, const std::string &driver) {
    const MutexLock lock(mutex_);
    const PciDriver function(address, sysfs_);
    if (!function.exists())
        return failure(ENXIO, "PCI function " + address.to_string());
    if (function.current() == driver)
        return {};
    if (auto recorded = journal_.record(address, driver); !recorded)
        return recorded;
    if (auto bound = function.bind(driver); !bound) {
        journal_.erase(address); // PciDriver::bind() has restored the function
        bound_.erase(address);
        return bound;
    }
    bound_.insert(address);
    return {};
}

Result<void> PciBinder::restore(const PciAddress &address) {
    const MutexLock lock(mutex_);
    if (!bound_.contains(address))
        return failure(ENOENT, "bind of PCI function " + address.to_string());
    const PciDriver function(address, sysfs_);
    const bool exists = function.exists();
    if (exists) {
        if (auto restored = function.restore(); !restored)
            return restored;
    }
    journal_.erase(address);
    bound_.erase(address);
    return exists ? Result<void>{} : failure(ENXIO, "PCI function " + address.to_string());
}

} // namespace netvsc
