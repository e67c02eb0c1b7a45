// SPDX-License-Identifier: BSD-3-Clause
//
// The entry points for EAL: the vdev driver net_vdev_netvsc, its alias eth_vdev_netvsc, the PMD
// information, and the instance that Hyper-V gets without an argument.

#include "dpdk/dpdk_compat.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "dpdk/rx_callback.hpp"
#include "failsafe/double_release.hpp"
#include "failsafe/failsafe_port.hpp"
#include "netvsc/netvsc_path.hpp"
#include "runtime/driver.hpp"

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <bus_driver.h>
#include <bus_vdev_driver.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_hypervisor.h>
#include <rte_lcore.h>

namespace {

#define VDEV_NETVSC_NAME "net_vdev_netvsc"
#define VDEV_NETVSC_ALIAS "eth_vdev_netvsc"
#define VDEV_NETVSC_PARAMETERS                                                                     \
    "iface=<netdevice> mac=<xx:xx:xx:xx:xx:xx> force=<0|1> ignore=<0|1> "                          \
    "path=<failsafe|netvsc> "                                                                      \
    "fallback=<tap|af_packet|af_xdp|virtio_user|auto> vf_bind=<kernel driver> "                    \
    "vf_args=<key=value|[key=value,...]> hotplug_poll=<ms> "                                       \
    "keepalive=<ms> keepalive_shm=<name> keepalive_group=<group>"

using netvsc::Message;

// A secondary process has nothing to do: fail-safe shares its ports by itself.
bool is_primary() { return rte_eal_process_type() == RTE_PROC_PRIMARY; }

bool is_ours(std::string_view device) {
    return device.starts_with(VDEV_NETVSC_NAME) || device.starts_with(VDEV_NETVSC_ALIAS);
}

// Logs which lcore polls, or that net_netvsc's port is started: the port is not detached then.
bool is_polled(std::string_view instance) {
    if (netvsc::NetvscPath::get().started(std::string(instance))) {
        netvsc::log(Message::Level::error,
                    std::string(instance) + " is not detached: its port is started; stop it first");
        return true;
    }
    for (const auto &port : netvsc::Driver::get().status()) {
        if (port.view.instance != instance)
            continue;
        if (const auto lcore = netvsc::polling_lcore(port.record.port_id)) {
            netvsc::log(
                Message::Level::error,
                std::string(instance) + " is not detached: " +
                    (*lcore == LCORE_ID_ANY ? "a thread" : "lcore " + std::to_string(*lcore)) +
                    " polls " + port.name + "; stop that first");
            return true;
        }
    }
    return false;
}

netvsc::BusUnplug unplug_by_bus = nullptr;

// Until DPDK 26.03 the vdev bus holds its lock while a driver's remove() runs. fail-safe's alarm
// holds fail-safe's lock and takes the bus's while it adds or removes a fallback. So a remove()
// that closes a fail-safe port may deadlock. This function closes the ports before the bus locks.
extern "C" int vdev_netvsc_unplug(rte_device *device) {
    const int refused = netvsc::guarded("unplug", [&] {
        if (is_ours(device->name)) {
            if (is_polled(device->name))
                return -EBUSY;
            netvsc::Driver::get().remove(device->name, nullptr);
        } else if (const auto number = netvsc::FailsafePort::number_of(device->name)) {
            (void)netvsc::close_failsafe_port(*number);
        }
        return 0;
    });
    if (refused == -EBUSY)
        return refused;
    const int result = unplug_by_bus(device);
    if (result == 0)
        netvsc::prepare_double_release(device);
    return result;
}

void remove_instances() {
    netvsc::guarded("cleanup", [] {
        for (const std::string &name : netvsc::device_names("vdev")) {
            if (is_ours(name))
                netvsc::Driver::get().remove(name, nullptr);
        }
    });
}

extern "C" int vdev_netvsc_probe(rte_vdev_device *device) {
    return netvsc::guarded("probe", [&] {
        if (!is_primary())
            return 0;
        if (netvsc::replace_unplug("vdev", vdev_netvsc_unplug, unplug_by_bus))
            netvsc::call_before_vdev_cleanup(remove_instances);
        return netvsc::Driver::get().probe(*device);
    });
}

extern "C" int vdev_netvsc_remove(rte_vdev_device *device) {
    return netvsc::guarded("remove", [&] {
        if (is_primary())
            netvsc::Driver::get().remove(rte_vdev_device_name(device), device);
    });
}

rte_vdev_driver vdev_netvsc_driver = {
    .driver = {.name = VDEV_NETVSC_NAME, .alias = VDEV_NETVSC_ALIAS},
    .probe = vdev_netvsc_probe,
    .remove = vdev_netvsc_remove,
    .dma_map = nullptr,
    .dma_unmap = nullptr,
    .drv_flags = 0,
};

// On Hyper-V adds an instance without arguments, if the user named none. The vdev bus calls this at
// every scan, and each hot-plug scans. Only the first scan, at EAL's start, counts.
extern "C" void vdev_netvsc_scan(void * /*unused*/) {
    static bool scanned = false;
    if (scanned || rte_hypervisor_get() != RTE_HYPERVISOR_HYPERV)
        return;
    scanned = true;
    const rte_devargs *devargs;
    RTE_EAL_DEVARGS_FOREACH("vdev", devargs) {
        if (is_ours(devargs->name))
            return;
    }
    if (rte_devargs_add(RTE_DEVTYPE_VIRTUAL, VDEV_NETVSC_NAME) != 0)
        netvsc::log(Message::Level::error, "no instance added for Hyper-V: rte_devargs_add failed");
}

RTE_INIT(vdev_netvsc_register) {
    if (!netvsc::suits_this_dpdk())
        return;
    rte_vdev_register(&vdev_netvsc_driver);
    rte_vdev_add_custom_scan(vdev_netvsc_scan, nullptr);
}

#ifndef VDEV_NETVSC_IN_TREE
// The string that dpdk-pmdinfo.py searches in the shared object.
__attribute__((used)) const char pmd_info[] =
    "PMD_INFO_STRING= {\"name\": \"" VDEV_NETVSC_NAME "\", \"alias\": \"" VDEV_NETVSC_ALIAS
    "\", \"params\": \"" VDEV_NETVSC_PARAMETERS "\", \"pci_ids\": []}";
#endif

} // namespace

#ifdef VDEV_NETVSC_IN_TREE
// In DPDK's tree pmdinfogen generates that string from these symbols.
extern "C" {
extern const char this_pmd_name_net_vdev_netvsc[];
extern const char __net_vdev_netvsc_param_string_export[];
const char this_pmd_name_net_vdev_netvsc[] = VDEV_NETVSC_NAME;
const char __net_vdev_netvsc_param_string_export[] = VDEV_NETVSC_PARAMETERS;
}
#endif
