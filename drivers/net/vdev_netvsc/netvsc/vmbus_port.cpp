// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/vmbus_port.hpp"

#include "dpdk/adapted_operations.hpp"
#include "dpdk/dpdk_compat.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

#include <ethdev_driver.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#ifdef VDEV_NETVSC_VMBUS
#include <bus_vmbus_driver.h>
#endif

namespace netvsc {
namespace {

// Until DPDK 23.11 net_netvsc does not mark its queues as started (test/vm/test_path.py), and
// testpmd polls no queue that is stopped.
int start_and_mark_queues(rte_eth_dev *port) {
    const int result = original_operations(*port).dev_start(port);
    if (result != 0)
        return result;
    rte_eth_dev_data &data = *port->data;
    std::ranges::fill(std::span(data.rx_queue_state).first(data.nb_rx_queues),
                      std::uint8_t{RTE_ETH_QUEUE_STATE_STARTED});
    std::ranges::fill(std::span(data.tx_queue_state).first(data.nb_tx_queues),
                      std::uint8_t{RTE_ETH_QUEUE_STATE_STARTED});
    return 0;
}

#ifdef VDEV_NETVSC_VMBUS

// Until DPDK 26.03 the device has two pointers to its driver.
template <typename Device> void forget_driver(Device &device) {
    if constexpr (requires { device.driver = nullptr; })
        device.driver = nullptr;
    device.device.driver = nullptr;
}

// Not the driver's remove(): in 22.11 it uses memory that it has freed.
void unmap(rte_device &device) {
    auto &vmbus = *reinterpret_cast<rte_vmbus_device *>(reinterpret_cast<char *>(&device) -
                                                        offsetof(rte_vmbus_device, device));
    rte_vmbus_unmap_device(&vmbus);
    forget_driver(vmbus);
    rte_dev_event_monitor_stop(); // net_netvsc has started it
}

#else

void unmap(rte_device & /*device*/) {}

#endif

} // namespace

bool VmbusPort::supported() {
#ifdef VDEV_NETVSC_VMBUS
    return rte_bus_find_by_name("vmbus") != nullptr;
#else
    return false;
#endif
}

std::optional<std::uint16_t> VmbusPort::find(const std::string &guid) {
    std::uint16_t port = 0;
    if (rte_eth_dev_get_port_by_name(guid.c_str(), &port) != 0)
        return std::nullopt;
    return port;
}

bool VmbusPort::started(const std::string &guid) {
    const auto port = find(guid);
    return port && rte_eth_devices[*port].data->dev_started != 0;
}

Result<void> VmbusPort::probe(const std::string &guid) {
    scan_and_probe("vmbus"); // its result is that of all devices
    const auto port = find(guid);
    if (!port)
        return failure(ENODEV, "probing VMBus device " + guid + " by net_netvsc");
    adapt_operations(rte_eth_devices[*port],
                     [](eth_dev_ops &operations) { operations.dev_start = start_and_mark_queues; });
    return {};
}

void VmbusPort::close(const std::string &guid) {
    if (const auto port = find(guid)) {
        if (started(guid))
            (void)rte_eth_dev_stop(*port);
        (void)rte_eth_dev_close(*port);
    }
    rte_device *device = find_device("vmbus", guid);
    if (device != nullptr && device->driver != nullptr)
        unmap(*device);
}

} // namespace netvsc
