// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_packet_port.hpp"

#include "fallback/scratch_device.hpp"

#include <string>
#include <utility>

namespace netvsc {
namespace {

// The same as net_tap's.
constexpr std::uint16_t max_queues = 16;

// The PMD sets 2048 bytes for a frame in the socket's ring. The kernel's header needs 66 of them, a
// VLAN tag and a checksum up to 8.
constexpr std::uint16_t max_mtu = 1960;

} // namespace

AfPacketPort::AfPacketPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : FallbackPort(port, std::move(netdevice)) {}

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
    if (const int result = check_queue_pairs(Fallback::af_packet); result != 0)
        return result;
    if (queues != 0 && queues != queues_) {
        if (const int result = resize(queues); result != 0)
            return result;
    }
    return FallbackPort::configure();
}

// The port is stopped, and its queues are not set up: only its private data refers to the sockets.
// Frames in the old sockets are lost.
int AfPacketPort::resize(std::uint16_t queues) {
    const auto netdevice = this->netdevice().name();
    if (!netdevice)
        return outcome(std::unexpected(netdevice.error()));
    const int result = ScratchDevice::replace_private_data(
        port(), Fallback::af_packet, "iface=" + *netdevice + ",qpairs=" + std::to_string(queues));
    if (result == 0)
        queues_ = queues;
    return result;
}

} // namespace netvsc
