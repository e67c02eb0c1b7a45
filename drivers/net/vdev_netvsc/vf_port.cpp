// SPDX-License-Identifier: BSD-3-Clause
#include "vf_port.hpp"

#include <cstring>

#include <bus_driver.h>
#include <dev_driver.h>
#include <ethdev_driver.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

namespace netvsc {

std::optional<PciAddress> pci_of(const rte_eth_dev &device) {
    if (device.device == nullptr || device.device->bus == nullptr ||
        std::strcmp(device.device->bus->name, "pci") != 0)
        return std::nullopt;
    return PciAddress::parse(device.device->name);
}

int VfPort::probe(const std::string &devargs) {
    const auto comma = devargs.find(',');
    const std::string address = devargs.substr(0, comma);
    const std::string arguments =
        comma == std::string::npos ? std::string{} : devargs.substr(comma + 1);
    const int result = rte_eal_hotplug_add("pci", address.c_str(), arguments.c_str());
    return result == -EEXIST ? 0 : -result;
}

std::optional<VfPort> VfPort::find(const PciAddress &pci) {
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        if (rte_eth_dev_is_valid_port(port) != 0 && pci_of(rte_eth_devices[port]) == pci)
            return VfPort(port);
    }
    return std::nullopt;
}

bool VfPort::owned() const {
    rte_eth_dev_owner owner{};
    return rte_eth_dev_owner_get(port_, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER;
}

void VfPort::raise_removal() const {
    rte_eth_dev_callback_process(&rte_eth_devices[port_], RTE_ETH_EVENT_INTR_RMV, nullptr);
}

void VfPort::remove(const PciAddress &pci) {
    rte_eal_hotplug_remove("pci", pci.to_string().c_str());
}

} // namespace netvsc
