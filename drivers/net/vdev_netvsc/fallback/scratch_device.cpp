// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/scratch_device.hpp"

#include "dpdk/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include <rte_bus_vdev.h>

namespace netvsc {
namespace {

// The vdev bus finds the PMD by this prefix.
std::string prefix_of(Fallback kind) { return "net_" + std::string(name_of(kind)) + "_scratch_"; }

} // namespace

bool ScratchDevice::is_scratch(const rte_eth_dev &port) {
    const std::string_view name(port.data->name);
    return std::ranges::any_of(fallbacks_by_preference,
                               [&](Fallback kind) { return name.starts_with(prefix_of(kind)); });
}

void ScratchDevice::claim(const rte_eth_dev &port) {
    rte_eth_dev_owner owner{.id = RTE_ETH_DEV_NO_OWNER, .name = "net_vdev_netvsc"};
    if (rte_eth_dev_owner_new(&owner.id) == 0)
        rte_eth_dev_owner_set(port.data->port_id, &owner);
}

int ScratchDevice::replace_private_data(rte_eth_dev &port, Fallback kind,
                                        const std::string &arguments) {
    const std::string name = prefix_of(kind) + std::to_string(port.data->port_id);
    // DPDK 22.11: net_af_xdp takes an earlier call's errno for the result of its own call.
    errno = 0;
    // Not by EAL's hot-plug, which would create the device in secondary processes, too.
    int result = rte_vdev_init(name.c_str(), arguments.c_str());
    if (result == -EEXIST) { // an earlier one that could not be removed
        rte_vdev_uninit(name.c_str());
        result = rte_vdev_init(name.c_str(), arguments.c_str());
    }
    std::uint16_t id = 0;
    if (result == 0)
        result = rte_eth_dev_get_port_by_name(name.c_str(), &id);
    if (result != 0) {
        log(Message::Level::error, std::string(port.data->name) +
                                       ": cannot replace its queues: vdev " + name + "," +
                                       arguments + ": error " + std::to_string(result));
        return result;
    }
    rte_eth_dev &device = rte_eth_devices[id];
    std::swap(port.data->dev_private, device.data->dev_private);
    std::swap(port.data->mac_addrs, device.data->mac_addrs); // part of the private data
    std::swap(port.process_private, device.process_private);
    rte_vdev_uninit(name.c_str());
    return 0;
}

} // namespace netvsc
