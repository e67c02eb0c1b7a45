// SPDX-License-Identifier: BSD-3-Clause
#include "log.hpp"
#include "operations.hpp"
#include "port.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include <ethdev_pci.h>

namespace testvf {

RTE_LOG_REGISTER(log_type, pmd.net.testvf, NOTICE)

namespace {

using netvsc::Result;

/// Environment first, then device arguments over it.
Result<Args> args_of(const rte_pci_device &device) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment of a running DPDK
    const char *environment = std::getenv(environment_variable);
    auto defaults = parse_args({}, environment, environment_variable);
    if (!defaults)
        return defaults;
    const char *text = device.device.devargs == nullptr ? nullptr : device.device.devargs->args;
    return parse_args(*defaults, text, "device argument");
}

/// Counts this probe of an address.
/// @return whether it is one that is to fail
bool probe_must_fail(const std::string &address, unsigned failures) {
    static std::mutex mutex;
    static std::map<std::string, unsigned> failed;
    if (failures == 0 || failures == Args::always)
        return failures != 0;
    const std::scoped_lock lock(mutex);
    unsigned &count = failed[address];
    if (count >= failures)
        return false;
    count++;
    return true;
}

int make_port(rte_pci_device *device, const std::string &name, const Args &args) {
    auto netdevice = Netdevice::open(name);
    if (!netdevice) {
        TESTVF_LOG(ERR, "%s: %s", device->device.name, netdevice.error().message().c_str());
        return -netdevice.error().number;
    }
    rte_eth_dev *ethdev = rte_eth_dev_pci_allocate(device, 0);
    if (ethdev == nullptr)
        return -ENOMEM;
    auto *address = static_cast<rte_ether_addr *>(
        rte_zmalloc_socket(device->device.name, sizeof(rte_ether_addr), 0, SOCKET_ID_ANY));
    if (address == nullptr) {
        rte_eth_dev_release_port(ethdev);
        return -ENOMEM;
    }
    ethdev->data->mac_addrs = address;
    auto port =
        Port::create(ethdev, std::make_shared<const Netdevice>(std::move(*netdevice)), args);
    if (!port) {
        TESTVF_LOG(ERR, "%s (%s): %s", device->device.name, name.c_str(),
                   port.error().message().c_str());
        rte_eth_dev_release_port(ethdev);
        return -port.error().number;
    }
    *address = (*port)->mac();
    ethdev->data->dev_private = port->release();
    ethdev->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
    if (args.rmv)
        ethdev->data->dev_flags |= RTE_ETH_DEV_INTR_RMV;
    if (args.lsc)
        ethdev->data->dev_flags |= RTE_ETH_DEV_INTR_LSC;
    install_operations(ethdev, args);
    TESTVF_LOG(INFO, "%s drives %s (rmv=%d,set_link=%d,lsc=%d)", device->device.name, name.c_str(),
               args.rmv, args.set_link, args.lsc);
    rte_eth_dev_probing_finish(ethdev);
    return 0;
}

int probe_device(rte_pci_device *device) {
    // Positive: not ours, let the next driver have it.
    constexpr int not_ours = 1;
    if (rte_eal_process_type() != RTE_PROC_PRIMARY)
        return not_ours;
    const auto name =
        find_netdevice(std::string(rte_pci_get_sysfs_path()) + "/" + device->device.name);
    if (!name)
        return not_ours;
    const auto args = args_of(*device);
    if (!args) {
        TESTVF_LOG(ERR, "%s: %s", device->device.name, args.error().message().c_str());
        return -args.error().number;
    }
    if (probe_must_fail(device->device.name, args->probe_failures)) {
        TESTVF_LOG(NOTICE, "%s: probe fails, as asked for", device->device.name);
        return -EIO;
    }
    if (!args->probe_needs.empty() && !std::filesystem::exists(args->probe_needs)) {
        TESTVF_LOG(NOTICE, "%s: probe fails: there is no %s", device->device.name,
                   args->probe_needs.c_str());
        return -ENODEV;
    }
    std::this_thread::sleep_for(args->probe);
    return make_port(device, *name, *args);
}

} // namespace

} // namespace testvf

extern "C" {

static int testvf_probe(rte_pci_driver * /*driver*/, rte_pci_device *device) {
    try {
        return testvf::probe_device(device);
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (...) {
        return -EFAULT;
    }
}

static int testvf_remove(rte_pci_device *device) {
    return rte_eth_dev_pci_generic_remove(device, testvf::close_port);
}

static const rte_pci_id testvf_ids[] = {
    {RTE_PCI_DEVICE(0x8086, 0x10d3)}, // e1000e
    {RTE_PCI_DEVICE(0x8086, 0x10c9)}, // igb
    {RTE_PCI_DEVICE(0x8086, 0x10ca)}, // igb virtual function
    {RTE_PCI_DEVICE(0x1af4, 0x1000)}, // virtio-net, transitional
    {RTE_PCI_DEVICE(0x1af4, 0x1041)}, // virtio-net
    {RTE_PCI_DEVICE(0x15ad, 0x07b0)}, // vmxnet3
    {RTE_PCI_DEVICE(0x10ec, 0x8139)}, // rtl8139
    {},
};

// No RTE_PCI_DRV_NEED_MAPPING: the kernel driver keeps the device. No RTE_PCI_DRV_INTR_LSC and
// _RMV: what a port has of these depends on its arguments.
static rte_pci_driver testvf_driver = {
    .driver = {},
    .probe = testvf_probe,
    .remove = testvf_remove,
    .dma_map = nullptr,
    .dma_unmap = nullptr,
    .id_table = testvf_ids,
    .drv_flags = 0,
};

} // extern "C"

RTE_PMD_REGISTER_PCI(net_testvf, testvf_driver);
