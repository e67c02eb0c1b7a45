// SPDX-License-Identifier: BSD-3-Clause
//
// What the port can do, and the features of virtio that it negotiates for it.

#include "backend/features.hpp"
#include "ethdev/port.hpp"

#include <algorithm>

#include <rte_ether.h>

namespace netvsc::virtio {
namespace {

constexpr std::uint64_t receive_checksums =
    RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
constexpr std::uint64_t send_checksums =
    RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

} // namespace

// What the application asks for decides about the offloads. Everything else is used if offered.
std::uint64_t Port::wanted_features_locked() const {
    constexpr std::uint64_t offloads = feature::csum | feature::guest_csum | feature::guest_tso4 |
                                       feature::guest_tso6 | feature::host_tso4 |
                                       feature::host_tso6;
    const rte_eth_conf &conf = ethdev_.data->dev_conf;
    std::uint64_t features = device_.offered() & ~offloads;
    if ((conf.rxmode.offloads & receive_checksums) != 0)
        features |= feature::guest_csum;
    if ((conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0)
        features |= feature::guest_csum | feature::guest_tso4 | feature::guest_tso6;
    if ((conf.txmode.offloads & (send_checksums | RTE_ETH_TX_OFFLOAD_TCP_TSO)) != 0)
        features |= feature::csum;
    if ((conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0)
        features |= feature::host_tso4 | feature::host_tso6;
    return features;
}

int Port::info(rte_eth_dev_info &info) {
    const MutexLock lock(mutex_);
    const std::uint64_t offered = device_.offered();
    info.max_rx_queues = info.max_tx_queues = arguments_.queues;
    info.min_rx_bufsize = RTE_ETHER_MIN_LEN;
    info.max_rx_pktlen = max_frame;
    info.max_mtu = max_frame - RTE_ETHER_HDR_LEN - sizeof(rte_vlan_hdr);
    info.max_mac_addrs = max_addresses;
    info.max_lro_pkt_size = UINT16_MAX;
    info.rx_desc_lim = {.nb_max = kind_.entries,
                        .nb_min = std::min<std::uint16_t>(32, kind_.entries),
                        .nb_align = 1,
                        .nb_seg_max = 0,
                        .nb_mtu_seg_max = 0};
    info.tx_desc_lim = info.rx_desc_lim;
    info.default_rxportconf = {.burst_size = 32, .ring_size = kind_.entries, .nb_queues = 1};
    info.default_txportconf = info.default_rxportconf;
    info.speed_capa = RTE_ETH_LINK_SPEED_AUTONEG;
    info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
    if (kind_.mergeable)
        info.rx_offload_capa |= RTE_ETH_RX_OFFLOAD_SCATTER;
    if ((offered & feature::guest_csum) != 0) {
        info.rx_offload_capa |= receive_checksums;
        if ((offered & feature::guest_tso4) != 0 && (offered & feature::guest_tso6) != 0)
            info.rx_offload_capa |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
    }
    if ((offered & feature::ctrl_vlan) != 0)
        info.rx_offload_capa |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
    info.tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
    if ((offered & feature::csum) != 0) {
        info.tx_offload_capa |= send_checksums;
        if ((offered & feature::host_tso4) != 0 && (offered & feature::host_tso6) != 0)
            info.tx_offload_capa |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
    }
    return 0;
}

} // namespace netvsc::virtio
