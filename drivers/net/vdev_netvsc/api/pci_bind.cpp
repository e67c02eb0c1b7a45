// SPDX-License-Identifier: BSD-3-Clause
//
// The functions of rte_pmd_vdev_netvsc_kernel.h that change the kernel driver of a PCI function.

#include "dpdk/guarded.hpp"
#include "runtime/dpdk_devices.hpp"
#include "sysfs/pci_binder.hpp"

#include <cerrno>

// Only the functions of this header are exported.
#pragma GCC visibility push(default)
#include "rte_pmd_vdev_netvsc_kernel.h"
#pragma GCC visibility pop

namespace netvsc {
namespace {

// Never destroyed, as the driver.
PciBinder &binder() {
    static auto *const binder = new PciBinder;
    return *binder;
}

// Does @p change to a function that no port of this process uses.
template <typename Change> int change(const char *where, const char *text, Change change) {
    return guarded(where, [&] {
        const auto refuse = [&](const Error &error) {
            log(Message::Level::error, std::string(where) + ": " + error.message());
            return -error.number;
        };
        const auto address = text != nullptr ? PciAddress::parse(text) : std::nullopt;
        if (!address)
            return refuse({EINVAL, "PCI address " +
                                       (text != nullptr ? "'" + std::string(text) + "'" : "NULL") +
                                       ", expected one like 0000:03:00.0"});
        // Until the end: a port of the function must not be created meanwhile.
        const HotPlugLock hot_plug = dpdk_devices().lock_hot_plug();
        if (dpdk_devices().use_of(*address) != Devices::VfPortUse::none)
            return refuse({EBUSY, "PCI function " + address->to_string() +
                                      " has a port in this application"});
        const Result<void> done = change(*address);
        return done ? 0 : refuse(done.error());
    });
}

} // namespace
} // namespace netvsc

using namespace netvsc;

int rte_pmd_vdev_netvsc_pci_bind(const char *pci_address, const char *kernel_driver) {
    return change(__func__, pci_address, [&](const PciAddress &address) -> Result<void> {
        if (kernel_driver == nullptr)
            return failure(EINVAL, "kernel driver NULL");
        return binder().bind(address, kernel_driver);
    });
}

int rte_pmd_vdev_netvsc_pci_restore(const char *pci_address) {
    return change(__func__, pci_address,
                  [](const PciAddress &address) { return binder().restore(address); });
}
