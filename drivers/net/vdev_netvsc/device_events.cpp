// SPDX-License-Identifier: BSD-3-Clause
#include "device_events.hpp"

#include "log.hpp"
#include "pci_driver.hpp"

#include <cstring>
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

std::optional<PciEvent> pci_event_of(const Uevent &event) {
    using Kind = PciEvent::Kind;
    if (event.subsystem != "pci" || !event.synthetic.empty())
        return std::nullopt;
    Kind kind{};
    if (event.action == "add")
        kind = Kind::added;
    else if (event.action == "unbind")
        kind = Kind::unbound;
    else if (event.action == "remove")
        kind = Kind::removed;
    else
        return std::nullopt;
    const auto address = PciAddress::parse(event.pci_slot_name);
    if (!address)
        return std::nullopt;
    return PciEvent{.address = *address, .kind = kind};
}

void replace_registers(const PciAddress &address) {
    rte_bus *bus = rte_bus_find_by_name("pci");
    if (bus == nullptr || bus->hot_unplug_handler == nullptr)
        return;
    const auto same_name = [](const rte_device *device, const void *name) {
        return std::strcmp(device->name, static_cast<const char *>(name));
    };
    rte_device *device = bus->find_device(nullptr, same_name, address.to_string().c_str());
    if (device == nullptr || device->driver == nullptr)
        return;
    const auto kernel_driver = RTE_DEV_TO_PCI(device)->kdrv;
    if (kernel_driver == RTE_PCI_KDRV_UIO_GENERIC || kernel_driver == RTE_PCI_KDRV_IGB_UIO)
        bus->hot_unplug_handler(device);
}

void survive_lost_registers() {
    if (const int result = rte_dev_hotplug_handle_enable(); result != 0)
        log(Level::warning, "rte_dev_hotplug_handle_enable: error " + std::to_string(result) +
                                "; a VF that is taken away while it is in use may end the "
                                "application");
}

std::optional<std::string> bind_vf(const PciAddress &address, const std::string &driver) {
    const std::string name = address.to_string();
    if (driver == "vfio-pci") {
        if (::access(("/sys/bus/pci/devices/" + name + "/iommu_group").c_str(), F_OK) != 0) {
            if (!noiommu_allowed())
                return "no IOMMU protects " + name +
                       ", and vfio's enable_unsafe_noiommu_mode is off: vfio-pci would not take "
                       "it";
            log(Level::warning, name + ": no IOMMU; vfio-pci is used without its protection");
        }
        // EAL does it at its start if the module was loaded by then.
        if (rte_vfio_is_enabled("vfio") == 0 &&
            (rte_vfio_enable("vfio") != 0 || rte_vfio_is_enabled("vfio") == 0))
            return "DPDK cannot use vfio: is the kernel module vfio-pci "
                   "loaded, and may /dev/vfio/vfio be opened?";
    }
    if (auto bound = PciDriver(address).bind(driver); !bound)
        return bound.error().message();
    return std::nullopt;
}

} // namespace netvsc
