// SPDX-License-Identifier: BSD-3-Clause
#include "operations.hpp"

#include "checksums.hpp"
#include "port.hpp"

#include <array>
#include <new>

using testvf::Args;
using testvf::Port;

namespace {

/// No exception may come out of a function that C calls.
template <typename Body> int guarded(Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (...) {
        return -EFAULT;
    }
}

} // namespace

extern "C" {

static std::uint16_t testvf_rx_burst(void *queue, rte_mbuf **packets, std::uint16_t count) {
    return static_cast<testvf::RxQueue *>(queue)->burst(packets, count);
}

static std::uint16_t testvf_tx_burst(void *queue, rte_mbuf **packets, std::uint16_t count) {
    return static_cast<testvf::TxQueue *>(queue)->burst(packets, count);
}

static int testvf_configure(rte_eth_dev * /*ethdev*/) { return 0; }

static int testvf_start(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).start(); });
}

static int testvf_stop(rte_eth_dev *ethdev) {
    return guarded([&] {
        Port::of(ethdev).stop();
        return 0;
    });
}

static int testvf_close(rte_eth_dev *ethdev) { return testvf::close_port(ethdev); }

static int testvf_is_removed(rte_eth_dev *ethdev) { return Port::of(ethdev).gone() ? 1 : 0; }

static int testvf_set_link_up(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_link_up(true); });
}

static int testvf_set_link_down(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_link_up(false); });
}

static int testvf_link_update(rte_eth_dev *ethdev, int /*wait_to_complete*/) {
    return guarded([&] { return Port::of(ethdev).update_link(); });
}

static int testvf_infos_get(rte_eth_dev *ethdev, rte_eth_dev_info *info) {
    info->if_index = Port::of(ethdev).ifindex();
    info->min_mtu = RTE_ETHER_MIN_MTU;
    info->max_mtu = Port::mtu_max;
    info->max_rx_pktlen = Port::mtu_max + Port::frame_overhead;
    info->max_rx_queues = Port::queues_max;
    info->max_tx_queues = Port::queues_max;
    info->max_mac_addrs = 1;
    info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | testvf::checksum_offloads;
    // As mlx5 and net_tap. The state of every checksum is RTE_MBUF_F_RX_*_CKSUM_UNKNOWN.
    info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_CHECKSUM;
    // What the kernel's fanout hashes over; a fail-safe port configured with net_tap's hash
    // functions is refused by a sub-device without them.
    info->flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
    info->hash_key_size = 40;
    info->rx_desc_lim = {
        .nb_max = 4096, .nb_min = 1, .nb_align = 1, .nb_seg_max = 1, .nb_mtu_seg_max = 1};
    info->tx_desc_lim = {.nb_max = 4096,
                         .nb_min = 1,
                         .nb_align = 1,
                         .nb_seg_max = testvf::TxQueue::segments_max,
                         .nb_mtu_seg_max = testvf::TxQueue::segments_max};
    info->speed_capa = RTE_ETH_LINK_SPEED_AUTONEG;
    return 0;
}

static int testvf_rx_queue_setup(rte_eth_dev *ethdev, std::uint16_t queue,
                                 std::uint16_t /*descriptors*/, unsigned /*socket*/,
                                 const rte_eth_rxconf * /*conf*/, rte_mempool *pool) {
    return guarded([&] { return Port::of(ethdev).set_up_rx_queue(queue, pool); });
}

static int testvf_tx_queue_setup(rte_eth_dev *ethdev, std::uint16_t queue,
                                 std::uint16_t /*descriptors*/, unsigned /*socket*/,
                                 const rte_eth_txconf * /*conf*/) {
    return guarded([&] { return Port::of(ethdev).set_up_tx_queue(queue); });
}

static void testvf_rx_queue_release(rte_eth_dev *ethdev, std::uint16_t queue) {
    Port::of(ethdev).release_rx_queue(queue);
}

static void testvf_tx_queue_release(rte_eth_dev *ethdev, std::uint16_t queue) {
    Port::of(ethdev).release_tx_queue(queue);
}

static int testvf_stats_reset(rte_eth_dev *ethdev) {
    Port::of(ethdev).reset_stats();
    return 0;
}

static int testvf_promiscuous_enable(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_promiscuous(true); });
}

static int testvf_promiscuous_disable(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_promiscuous(false); });
}

static int testvf_allmulticast_enable(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_all_multicast(true); });
}

static int testvf_allmulticast_disable(rte_eth_dev *ethdev) {
    return guarded([&] { return Port::of(ethdev).set_all_multicast(false); });
}

static int testvf_mtu_set(rte_eth_dev *ethdev, std::uint16_t mtu) {
    return guarded([&] { return Port::of(ethdev).set_mtu(mtu); });
}

static int testvf_mac_addr_set(rte_eth_dev *ethdev, rte_ether_addr *address) {
    return guarded([&] { return Port::of(ethdev).set_mac(*address); });
}

} // extern "C"

namespace {

constexpr eth_dev_ops make_operations(bool rmv, bool set_link, bool set_mac) {
    eth_dev_ops operations = {};
    operations.dev_configure = testvf_configure;
    operations.dev_start = testvf_start;
    operations.dev_stop = testvf_stop;
    operations.dev_close = testvf_close;
    operations.link_update = testvf_link_update;
    operations.dev_infos_get = testvf_infos_get;
    operations.rx_queue_setup = testvf_rx_queue_setup;
    operations.tx_queue_setup = testvf_tx_queue_setup;
    operations.rx_queue_release = testvf_rx_queue_release;
    operations.tx_queue_release = testvf_tx_queue_release;
    // From DPDK 25.11 on (58ae74244c) there are the queues' statistics, too.
    operations.stats_get = [](rte_eth_dev *ethdev, rte_eth_stats *stats, auto... /*queues*/) {
        Port::of(ethdev).get_stats(*stats);
        return 0;
    };
    operations.stats_reset = testvf_stats_reset;
    operations.promiscuous_enable = testvf_promiscuous_enable;
    operations.promiscuous_disable = testvf_promiscuous_disable;
    operations.allmulticast_enable = testvf_allmulticast_enable;
    operations.allmulticast_disable = testvf_allmulticast_disable;
    operations.mtu_set = testvf_mtu_set;
    if (set_mac)
        operations.mac_addr_set = testvf_mac_addr_set;
    // A PMD without a removal event has no is_removed operation either.
    if (rmv)
        operations.is_removed = testvf_is_removed;
    if (set_link) {
        operations.dev_set_link_up = testvf_set_link_up;
        operations.dev_set_link_down = testvf_set_link_down;
    }
    return operations;
}

/// By rmv, set_link and set_mac. Not members of Port, because ethdev reads them while it is freed.
constexpr std::array<eth_dev_ops, 8> tables = {{
    make_operations(false, false, false),
    make_operations(false, false, true),
    make_operations(false, true, false),
    make_operations(false, true, true),
    make_operations(true, false, false),
    make_operations(true, false, true),
    make_operations(true, true, false),
    make_operations(true, true, true),
}};

/// ethdev announces that a port is destroyed when it has been closed already: whoever then asks
/// it something gets -ENOTSUP.
constexpr eth_dev_ops closed = {};

} // namespace

void testvf::install_operations(rte_eth_dev *ethdev, const Args &args) {
    ethdev->dev_ops =
        &tables.at((args.rmv ? 4U : 0U) | (args.set_link ? 2U : 0U) | (args.set_mac ? 1U : 0U));
    ethdev->rx_pkt_burst = testvf_rx_burst;
    ethdev->tx_pkt_burst = testvf_tx_burst;
}

int testvf::close_port(rte_eth_dev *ethdev) noexcept {
    return guarded([&] {
        Port *port = &Port::of(ethdev);
        if (ethdev->data->dev_started != 0)
            port->stop();
        for (std::uint16_t i = 0; i < ethdev->data->nb_rx_queues; i++)
            port->release_rx_queue(i);
        for (std::uint16_t i = 0; i < ethdev->data->nb_tx_queues; i++)
            port->release_tx_queue(i);
        delete port;
        ethdev->data->dev_private = nullptr;
        ethdev->dev_ops = &closed;
        return 0;
    });
}
