// SPDX-License-Identifier: BSD-3-Clause
#include "vf/device_events.hpp"

#include "dpdk/dpdk_compat.hpp"
#include "dpdk/log.hpp"
#include "sysfs/pci_driver.hpp"

#include <fstream>
#include <unistd.h>

#include <bus_driver.h>
#include <bus_pci_driver.h>
#include <rte_dev.h>
#include <rte_vfio.h>

namespace netvsc {
namespace {

using Level = Message::Level;

bool noiommu_allowed() {
    std::ifstream parameter("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
    return parameter.get() == 'Y';
}

} // namespace

void replace_registers(const PciAddress &address) {
    const rte_bus *bus = rte_bus_find_by_name("pci");
    rte_device *device = find_device("pci", address.to_string());
    if (device == nullptr || device->driver == nullptr || bus->hot_unplug_handler == nullptr)
        return;
    const auto kernel_driver = container_of(device, rte_pci_device, device)->kdrv;
    if (kernel_driver == RTE_PCI_KDRV_UIO_GENERIC || kernel_driver == RTE_PCI_KDRV_IGB_UIO)
        bus->hot_unplug_handler(device);
}

void handle_sigbus() {
    if (const int result = rte_dev_hotplug_handle_enable(); result != 0)
        log(Level::warning, "rte_dev_hotplug_handle_enable: error " + std::to_string(result) +
                                "; the removal of a VF in use may end the application");
}

std::optional<std::string> bind_vf(const PciAddress &address, const std::string &driver) {
    const std::string name = address.to_string();
    if (driver == "vfio-pci") {
        if (::access(("/sys/bus/pci/devices/" + name + "/iommu_group").c_str(), F_OK) != 0) {
            if (!noiommu_allowed())
                return "vfio-pci needs an IOMMU for " + name +
                       ", or vfio's enable_unsafe_noiommu_mode";
            log(Level::warning, name + ": no IOMMU; vfio-pci runs without its protection");
        }
        // EAL has done it if the module was loaded when EAL started.
        if (rte_vfio_is_enabled("vfio") == 0 &&
            (rte_vfio_enable("vfio") != 0 || rte_vfio_is_enabled("vfio") == 0))
            return "DPDK cannot use vfio: load the kernel module vfio-pci, and check the "
                   "permissions "
                   "of /dev/vfio/vfio";
    }
    if (auto bound = PciDriver(address).bind(driver); !bound)
        return bound.error().message();
    return std::nullopt;
}

} // namespace netvsc
