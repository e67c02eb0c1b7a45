// SPDX-License-Identifier: BSD-3-Clause
//
// What ethdev calls. Nothing thrown leaves these functions.

#include "backend/features.hpp"
#include "ethdev/log.hpp"
#include "ethdev/port.hpp"
#include "ethdev/statistics.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include <rte_ether.h>

namespace netvsc::virtio {

Port &port_of(const rte_eth_dev &ethdev) {
    return **static_cast<std::shared_ptr<Port> *>(ethdev.data->dev_private);
}

namespace {

EtherAddress bytes_of(const rte_ether_addr &address) {
    EtherAddress bytes;
    std::ranges::copy(address.addr_bytes, bytes.begin());
    return bytes;
}

int configure(rte_eth_dev *ethdev) {
    return guarded("dev_configure", [&] { return port_of(*ethdev).configure(); });
}

int start(rte_eth_dev *ethdev) {
    return guarded("dev_start", [&] { return port_of(*ethdev).start(); });
}

int stop(rte_eth_dev *ethdev) {
    return guarded("dev_stop", [&] { return port_of(*ethdev).stop(); });
}

int close(rte_eth_dev *ethdev) {
    return guarded("dev_close", [&] {
        if (rte_eal_process_type() != RTE_PROC_PRIMARY)
            return;
        const std::unique_ptr<std::shared_ptr<Port>> port(static_cast<std::shared_ptr<Port> *>(
            std::exchange(ethdev->data->dev_private, nullptr)));
        (*port)->close();
    });
}

int info(rte_eth_dev *ethdev, rte_eth_dev_info *info) {
    return guarded("dev_infos_get", [&] { return port_of(*ethdev).info(*info); });
}

int setup_receive(rte_eth_dev *ethdev, std::uint16_t index, std::uint16_t descriptors,
                  unsigned numa_node, const rte_eth_rxconf *conf, rte_mempool *pool) {
    return guarded("rx_queue_setup", [&] {
        return port_of(*ethdev).setup_receive(index, descriptors, static_cast<int>(numa_node),
                                              *conf, *pool);
    });
}

int setup_send(rte_eth_dev *ethdev, std::uint16_t index, std::uint16_t descriptors,
               unsigned numa_node, const rte_eth_txconf *conf) {
    return guarded("tx_queue_setup", [&] {
        return port_of(*ethdev).setup_send(index, descriptors, static_cast<int>(numa_node), *conf);
    });
}

void release_receive(rte_eth_dev *ethdev, std::uint16_t index) {
    guarded("rx_queue_release", [&] { port_of(*ethdev).release_receive(index); });
}

void release_send(rte_eth_dev *ethdev, std::uint16_t index) {
    guarded("tx_queue_release", [&] { port_of(*ethdev).release_send(index); });
}

int update_link(rte_eth_dev *ethdev, int /*wait*/) {
    return guarded("link_update", [&] { return port_of(*ethdev).update_link(); });
}

int set_link_up(rte_eth_dev *ethdev) {
    return guarded("dev_set_link_up", [&] { return port_of(*ethdev).set_link(true); });
}

int set_link_down(rte_eth_dev *ethdev) {
    return guarded("dev_set_link_down", [&] { return port_of(*ethdev).set_link(false); });
}

template <ControlCommand (*make)(bool), bool on> int set_reception(rte_eth_dev *ethdev) {
    return guarded("reception mode",
                   [&] { return port_of(*ethdev).command(feature::ctrl_rx, make(on)); });
}

int set_address(rte_eth_dev *ethdev, rte_ether_addr *address) {
    return guarded("mac_addr_set", [&] {
        return port_of(*ethdev).command(feature::ctrl_mac_addr,
                                        set_mac_command(bytes_of(*address)));
    });
}

/// Sends all addresses of the port. @param added  one that ethdev has not listed yet
int send_addresses(rte_eth_dev &ethdev, const rte_ether_addr *added,
                   std::span<const rte_ether_addr> multicast) {
    std::vector<EtherAddress> unicast;
    for (std::uint16_t i = 0; i < Port::max_addresses; ++i) {
        const rte_ether_addr &address = ethdev.data->mac_addrs[i];
        if (!rte_is_zero_ether_addr(&address))
            unicast.push_back(bytes_of(address));
    }
    if (added != nullptr)
        unicast.push_back(bytes_of(*added));
    std::vector<EtherAddress> groups;
    std::ranges::transform(multicast, std::back_inserter(groups), bytes_of);
    return port_of(ethdev).command(feature::ctrl_mac_addr, set_mac_table_command(unicast, groups));
}

int add_address(rte_eth_dev *ethdev, rte_ether_addr *address, std::uint32_t /*index*/,
                std::uint32_t /*pool*/) {
    return guarded("mac_addr_add", [&] { return send_addresses(*ethdev, address, {}); });
}

// The device delivers every frame anyway: an address that stays in its table does no harm.
void remove_address(rte_eth_dev * /*ethdev*/, std::uint32_t /*index*/) {}

int set_multicast(rte_eth_dev *ethdev, rte_ether_addr *addresses, std::uint32_t count) {
    return guarded("set_mc_addr_list",
                   [&] { return send_addresses(*ethdev, nullptr, {addresses, count}); });
}

int set_vlan_filter(rte_eth_dev *ethdev, std::uint16_t id, int on) {
    return guarded("vlan_filter_set", [&] {
        return port_of(*ethdev).command(feature::ctrl_vlan,
                                        on != 0 ? add_vlan_command(id) : remove_vlan_command(id));
    });
}

int set_mtu(rte_eth_dev *ethdev, std::uint16_t mtu) {
    return guarded("mtu_set", [&] { return port_of(*ethdev).set_mtu(mtu); });
}

int clean_sent(void *queue, std::uint32_t most) {
    return guarded("tx_done_cleanup", [&] {
        auto &sent = *static_cast<Queue *>(queue);
        if (!sent.gate.enter())
            return 0;
        const unsigned count = sent.clean(most == 0 ? UINT16_MAX : most);
        sent.gate.leave();
        return static_cast<int>(count);
    });
}

void describe_receive_queue(rte_eth_dev *ethdev, std::uint16_t index, rte_eth_rxq_info *info) {
    const Queue &queue = *port_of(*ethdev).receive_queues()[index];
    info->mp = queue.options().pool;
    info->nb_desc = queue.options().descriptors;
    info->scattered_rx = queue.options().kind.mergeable;
}

void describe_send_queue(rte_eth_dev *ethdev, std::uint16_t index, rte_eth_txq_info *info) {
    info->nb_desc = port_of(*ethdev).send_queues()[index]->options().descriptors;
}

void describe_burst(const rte_eth_dev &ethdev, rte_eth_burst_mode &mode, bool receives) {
    const QueueKind &kind = port_of(ethdev).kind();
    std::snprintf(mode.info, sizeof mode.info, "%s%s%s", kind.packed ? "Packed" : "Split",
                  kind.in_order ? " In-order" : "", receives && kind.mergeable ? " Mergeable" : "");
}

int receive_mode(rte_eth_dev *ethdev, std::uint16_t /*queue*/, rte_eth_burst_mode *mode) {
    describe_burst(*ethdev, *mode, true);
    return 0;
}

int send_mode(rte_eth_dev *ethdev, std::uint16_t /*queue*/, rte_eth_burst_mode *mode) {
    describe_burst(*ethdev, *mode, false);
    return 0;
}

} // namespace

const eth_dev_ops port_operations = [] {
    eth_dev_ops made{};
    made.dev_configure = configure;
    made.dev_start = start;
    made.dev_stop = stop;
    made.dev_close = close;
    made.dev_infos_get = info;
    made.dev_set_link_up = set_link_up;
    made.dev_set_link_down = set_link_down;
    made.link_update = update_link;
    made.rx_queue_setup = setup_receive;
    made.tx_queue_setup = setup_send;
    made.rx_queue_release = release_receive;
    made.tx_queue_release = release_send;
    made.rxq_info_get = describe_receive_queue;
    made.txq_info_get = describe_send_queue;
    made.rx_burst_mode_get = receive_mode;
    made.tx_burst_mode_get = send_mode;
    made.tx_done_cleanup = clean_sent;
    made.promiscuous_enable = set_reception<set_promiscuous_command, true>;
    made.promiscuous_disable = set_reception<set_promiscuous_command, false>;
    made.allmulticast_enable = set_reception<set_all_multicast_command, true>;
    made.allmulticast_disable = set_reception<set_all_multicast_command, false>;
    made.mac_addr_set = set_address;
    made.mac_addr_add = add_address;
    made.mac_addr_remove = remove_address;
    made.set_mc_addr_list = set_multicast;
    made.vlan_filter_set = set_vlan_filter;
    made.mtu_set = set_mtu;
    made.stats_get = [](rte_eth_dev *ethdev, rte_eth_stats *stats, auto *...queues) {
        return get_statistics(ethdev, stats, std::get<0>(std::tuple(queues..., stats)));
    };
    made.stats_reset = clear_statistics;
    made.xstats_get = get_extended_statistics;
    made.xstats_get_names = get_extended_names;
    made.xstats_reset = clear_statistics;
    return made;
}();

} // namespace netvsc::virtio
