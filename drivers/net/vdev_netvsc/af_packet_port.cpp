// SPDX-License-Identifier: BSD-3-Clause
#include "af_packet_port.hpp"

#include "log.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <rte_bus_vdev.h>

namespace netvsc {
namespace {

using Level = Message::Level;

// As net_tap has.
constexpr std::uint16_t max_queues = 16;

// Of the 2048 bytes of a frame in the socket's ring, which the PMD sets, the kernel's header takes
// 66 and VLAN tag and checksum 8 at the most.
constexpr std::uint16_t max_mtu = 1960;

constexpr std::string_view lender_prefix = "net_af_packet_lender_";

} // namespace

AfPacketPort::AfPacketPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : FallbackPort(port, std::move(netdevice)) {}

bool AfPacketPort::lends(const rte_eth_dev &port) {
    return std::string_view(port.data->name).starts_with(lender_prefix);
}

void AfPacketPort::keep_to_ourselves(const rte_eth_dev &port) {
    rte_eth_dev_owner owner{.id = RTE_ETH_DEV_NO_OWNER, .name = "net_vdev_netvsc"};
    if (rte_eth_dev_owner_new(&owner.id) == 0)
        rte_eth_dev_owner_set(port.data->port_id, &owner);
}

int AfPacketPort::info(rte_eth_dev_info &info) {
    if (const int result = FallbackPort::info(info); result != 0)
        return result;
    info.max_rx_queues = max_queues;
    info.max_tx_queues = max_queues;
    info.max_mtu = max_mtu;
    info.max_rx_pktlen = max_mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
    return 0;
}

int AfPacketPort::configure() {
    const std::uint16_t queues = port().data->nb_rx_queues;
    if (queues != port().data->nb_tx_queues) {
        log(Level::error, std::string(port().data->name) +
                              ": net_af_packet wants as many Tx queues as Rx queues, not " +
                              std::to_string(port().data->nb_tx_queues) + " and " +
                              std::to_string(queues));
        return -EINVAL;
    }
    if (queues != 0 && queues != queues_) {
        if (const int result = resize(queues); result != 0)
            return result;
    }
    return FallbackPort::configure();
}

// The port is stopped, and its queues are not set up: nothing but its private data refers to the
// sockets. What it has received up to here goes with them.
int AfPacketPort::resize(std::uint16_t queues) {
    const auto netdevice = this->netdevice().name();
    if (!netdevice)
        return outcome(std::unexpected(netdevice.error()));
    const std::string lender = std::string(lender_prefix) + std::to_string(port().data->port_id);
    const std::string arguments = "iface=" + *netdevice + ",qpairs=" + std::to_string(queues);
    // Not by EAL's hot-plug, which would make it in secondary processes, too.
    int result = rte_vdev_init(lender.c_str(), arguments.c_str());
    if (result == -EEXIST) { // one that could not be removed when it had lent its sockets
        rte_vdev_uninit(lender.c_str());
        result = rte_vdev_init(lender.c_str(), arguments.c_str());
    }
    std::uint16_t id = 0;
    if (result == 0)
        result = rte_eth_dev_get_port_by_name(lender.c_str(), &id);
    if (result != 0) {
        log(Level::error, std::string(port().data->name) + ": " + std::to_string(queues) +
                              " queues cannot be made: vdev " + lender + "," + arguments +
                              ": error " + std::to_string(result));
        return result;
    }
    rte_eth_dev_data &ours = *port().data;
    rte_eth_dev_data &theirs = *rte_eth_devices[id].data;
    std::swap(ours.dev_private, theirs.dev_private);
    std::swap(ours.mac_addrs, theirs.mac_addrs); // lies in the private data
    queues_ = queues;
    rte_vdev_uninit(lender.c_str());
    return 0;
}

} // namespace netvsc
