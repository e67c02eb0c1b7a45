// SPDX-License-Identifier: BSD-3-Clause
#include "vf/vf_port.hpp"

#include "dpdk/adapted_operations.hpp"
#include "dpdk/dpdk_compat.hpp"
#include "dpdk/hot_plug_lock.hpp"
#include "dpdk/hotplug.hpp"
#include "failsafe/double_release.hpp"
#include "failsafe/late_threads.hpp"
#include "failsafe/link_events.hpp"

#include <cstring>
#include <mutex>

#include <bus_driver.h>
#include <dev_driver.h>
#include <ethdev_driver.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

namespace netvsc {
namespace {

BusUnplug unplug_by_bus = nullptr;

// Replaces the PCI bus's operation.
int unplug_vf(rte_device *device) {
    if (!is_double_release_expected(device))
        return unplug_by_bus(device);
    const HotPlugLock lock = lock_hot_plug();
    const int result = unplug_by_bus(device);
    if (result == 0)
        prepare_double_release(device);
    return result;
}

// DPDK 22.11: a hot-plug frees the device arguments if its bus scan fails, for example because the
// device was removed meanwhile. A device that the bus has from an earlier attempt still points to
// them, and the PMD would read them at the next attempt.
void drop_freed_arguments(const PciAddress &address) {
    rte_device *device = find_device("pci", address.to_string());
    if (device == nullptr || rte_dev_is_probed(device) != 0)
        return;
    rte_devargs *listed = nullptr;
    RTE_EAL_DEVARGS_FOREACH("pci", listed) {
        if (PciAddress::parse(listed->name) == address)
            break;
    }
    device->devargs = listed;
}

// DPDK 22.11 scans all PCI functions of the machine at each hot-plug. While this object lives, it
// scans only functions with device arguments. EAL stores these before the scan, also for functions
// that other threads plug meanwhile. Needs the hot-plug lock.
class ScanOfNamedFunctions {
public:
    ScanOfNamedFunctions() : bus_(*rte_bus_find_by_name("pci")), mode_(bus_.conf.scan_mode) {
        bus_.conf.scan_mode = RTE_BUS_SCAN_ALLOWLIST;
    }
    ScanOfNamedFunctions(const ScanOfNamedFunctions &) = delete;
    ScanOfNamedFunctions &operator=(const ScanOfNamedFunctions &) = delete;
    ~ScanOfNamedFunctions() { bus_.conf.scan_mode = mode_; }

private:
    rte_bus &bus_;
    const rte_bus_scan_mode mode_;
};

int set_other_address(rte_eth_dev *port, rte_ether_addr *address) {
    if (rte_is_same_ether_addr(&port->data->mac_addrs[0], address))
        return 0;
    const eth_dev_ops &original = original_operations(*port);
    return original.mac_addr_set != nullptr ? original.mac_addr_set(port, address) : -ENOTSUP;
}

// See adapt().
void replace_operations(eth_dev_ops &vf) {
    vf.dev_configure = configure_with_link_events;
    vf.dev_stop = stop_after_late_threads;
    vf.mac_addr_set = set_other_address;
    complete_queue_release(vf);
}

} // namespace

HotPlugLock lock_hot_plug() {
    static std::recursive_mutex mutex;
    return HotPlugLock(mutex);
}

std::optional<VfId> vf_of(const rte_eth_dev &device) {
    if (device.device == nullptr || device.device->bus == nullptr ||
        std::strcmp(device.device->bus->name, "pci") != 0)
        return std::nullopt;
    const auto pci = PciAddress::parse(device.device->name);
    if (!pci)
        return std::nullopt;
    const rte_ether_addr *mac = device.data->mac_addrs;
    return VfId(*pci, mac != nullptr ? std::optional(MacAddress(std::to_array(mac->addr_bytes)))
                                     : std::nullopt);
}

int VfPort::probe(const std::string &devargs) {
    const auto comma = devargs.find(',');
    const std::string address = devargs.substr(0, comma);
    const std::string arguments =
        comma == std::string::npos ? std::string{} : devargs.substr(comma + 1);
    const HotPlugLock lock = lock_hot_plug();
    const int result = [&] {
        const ScanOfNamedFunctions scan;
        return hotplug_add("pci", address, arguments);
    }();
    if (result == 0 || result == -EEXIST)
        return 0;
    if (const auto pci = PciAddress::parse(address))
        drop_freed_arguments(*pci);
    return -result;
}

std::optional<VfPort> VfPort::find(const VfId &vf) {
    const HotPlugLock lock = lock_hot_plug();
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        if (rte_eth_dev_is_valid_port(port) == 0)
            continue;
        if (const auto found = vf_of(rte_eth_devices[port]); found && found->matches(vf))
            return VfPort(port);
    }
    return std::nullopt;
}

// The reasons, in fail-safe of DPDK 22.11 to 26.11:
// - It registers for RTE_ETH_EVENT_INTR_RMV only if the port's flags have it at configuration.
// - It makes the sub-device's link status equal to its own by rte_eth_dev_set_link_up() or _down().
//   It gives up the sub-device if the PMD lacks these operations (MANA, iavf, virtio, e1000's EM).
//   So the driver makes the two statuses equal before.
// - It sets its own MAC address at each sub-device, although a VF has the address of its NetVSC. It
//   gives up those whose PMD cannot set an address (MANA). Other PMDs need time, and net_virtio
//   never returns if the device was just removed. So the driver skips an address that is set.
// - It calls a PMD's queue release, when a queue is set up again, even if the PMD has none
// (virtio).
// - It releases a sub-device's port twice when the device leaves: see double_release.hpp.
// - Its burst functions may be in a sub-device that has left: see late_threads.hpp.
// - It must not register for link events of its sub-devices: see link_events.hpp.
void VfPort::adapt(bool failsafe_link_up) const {
    rte_eth_dev &port = rte_eth_devices[port_];
    port.data->dev_flags |= RTE_ETH_DEV_INTR_RMV;
    const bool can_set_link = failsafe_link_up ? port.dev_ops->dev_set_link_up != nullptr
                                               : port.dev_ops->dev_set_link_down != nullptr;
    if (!can_set_link)
        port.data->dev_link.link_status = failsafe_link_up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
    adapt_operations(port, replace_operations);
    if (replace_unplug("pci", unplug_vf, unplug_by_bus))
        expect_double_release(port);
}

bool VfPort::owned() const {
    rte_eth_dev_owner owner{};
    return rte_eth_dev_owner_get(port_, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER;
}

void VfPort::release_from_failsafe() const {
    rte_eth_dev_owner owner{};
    if (rte_eth_dev_owner_get(port_, &owner) == 0 && std::strcmp(owner.name, "Fail-safe") == 0)
        rte_eth_dev_owner_unset(port_, owner.id);
}

bool VfPort::started() const { return rte_eth_devices[port_].data->dev_started != 0; }

void VfPort::raise_removal() const {
    rte_eth_dev_callback_process(&rte_eth_devices[port_], RTE_ETH_EVENT_INTR_RMV, nullptr);
}

bool VfPort::remove_unless_owned(const VfId &vf) {
    const HotPlugLock lock = lock_hot_plug();
    const auto found = find(vf);
    if (found && found->owned())
        return false;
    if (found)
        found->remove();
    return true;
}

void VfPort::remove() const {
    const rte_device *device = rte_eth_devices[port_].device;
    for (std::uint16_t other = 0; other < RTE_MAX_ETHPORTS; ++other) {
        if (other != port_ && rte_eth_dev_is_valid_port(other) != 0 &&
            rte_eth_devices[other].device == device) {
            rte_eth_dev_close(port_);
            return;
        }
    }
    rte_eal_hotplug_remove("pci", device->name);
}

} // namespace netvsc
