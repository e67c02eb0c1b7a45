// SPDX-License-Identifier: BSD-3-Clause
#include "port.hpp"

#include "log.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <rte_mbuf.h>

namespace testvf {

using netvsc::Result;

Port::Port(rte_eth_dev *ethdev, std::shared_ptr<const Netdevice> netdevice,
           PacketSocket memberships, LinkWatch::Pointer watch, const rte_ether_addr &mac,
           const Args &args)
    : ethdev_(ethdev), netdevice_(std::move(netdevice)), memberships_(std::move(memberships)),
      watch_(std::move(watch)), own_mac_(mac), args_(args) {}

Result<std::unique_ptr<Port>> Port::create(rte_eth_dev *ethdev,
                                           const std::shared_ptr<const Netdevice> &netdevice,
                                           const Args &args) {
    auto mac = netdevice->mac();
    if (!mac)
        return std::unexpected(mac.error());
    auto memberships = PacketSocket::open(netdevice->index());
    if (!memberships)
        return std::unexpected(memberships.error());
    auto watch = LinkWatch::open(netdevice, ethdev->data->port_id, args.rmv);
    if (!watch)
        return std::unexpected(watch.error());
    std::unique_ptr<Port> port(
        new Port(ethdev, netdevice, std::move(*memberships), std::move(*watch), *mac, args));
    if (args.set_link) {
        // In mlx5's order: what the link is first, then up with it. MANA does neither.
        std::ignore = port->update_link();
        if (auto done = netdevice->set_up(true); !done)
            return std::unexpected(done.error());
    }
    return port;
}

Port::~Port() {
    if (being_asked_)
        TESTVF_LOG(ERR, "%s: closed while it is asked for its information", ethdev_->data->name);
}

void Port::take_time(const char *what, std::chrono::milliseconds length) const {
    if (length.count() == 0)
        return;
    TESTVF_LOG(NOTICE, "%s: takes its time to %s, as asked for", ethdev_->data->name, what);
    std::this_thread::sleep_for(length);
}

unsigned Port::ifindex() {
    if (rte_thread_is_intr() == 0) {
        being_asked_ = true;
        take_time("answer dev_infos_get", args_.info);
        being_asked_ = false;
    }
    return netdevice_->index();
}

int Port::report(const Result<void> &result) const {
    if (result)
        return 0;
    // ethdev turns any error of a removed port into -EIO, and fail-safe ignores -EIO.
    if (!gone())
        TESTVF_LOG(ERR, "%s: %s", ethdev_->data->name, result.error().message().c_str());
    return -result.error().number;
}

Result<void> Port::start_netdevice() {
    if (auto done = netdevice_->set_up(true); !done)
        return done;
    if (auto done = netdevice_->set_mtu(ethdev_->data->mtu); !done)
        return done;
    netdevice_->receive_frames_unmerged();
    return share_out_among_rx_queues();
}

Result<void> Port::share_out_among_rx_queues() {
    const std::uint16_t count = ethdev_->data->nb_rx_queues;
    if (count < 2)
        return {};
    std::optional<std::uint16_t> group;
    for (std::uint16_t i = 0; i < count && !group; i++)
        group = rx_queue(i)->fanout();
    for (std::uint16_t i = 0; i < count; i++) {
        if (rx_queue(i)->fanout())
            continue;
        if (auto done = rx_queue(i)->join_fanout(group); !done)
            return done;
        group = rx_queue(i)->fanout();
    }
    return {};
}

int Port::start() {
    if (gone())
        return -EIO;
    rte_eth_dev_data *data = ethdev_->data;
    if (std::find(data->rx_queues, data->rx_queues + data->nb_rx_queues, nullptr) !=
            data->rx_queues + data->nb_rx_queues ||
        std::find(data->tx_queues, data->tx_queues + data->nb_tx_queues, nullptr) !=
            data->tx_queues + data->nb_tx_queues) {
        TESTVF_LOG(ERR, "%s: start before all queues are set up", data->name);
        return -EINVAL;
    }
    if (const int error = report(start_netdevice()); error != 0)
        return error;
    for (std::uint16_t i = 0; i < data->nb_rx_queues; i++) {
        if (const int error = report(rx_queue(i)->start()); error != 0) {
            stop();
            return error;
        }
        data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
    }
    for (std::uint16_t i = 0; i < data->nb_tx_queues; i++)
        data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
    // With LSC ethdev does not read the link, so the port raises an event for each later change.
    watch_->set_started(true);
    std::ignore = update_link();
    return 0;
}

void Port::stop() {
    rte_eth_dev_data *data = ethdev_->data;
    take_time("stop", args_.stop);
    watch_->set_started(false);
    for (std::uint16_t i = 0; i < data->nb_rx_queues; i++) {
        rx_queue(i)->stop();
        data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
    }
    for (std::uint16_t i = 0; i < data->nb_tx_queues; i++)
        data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
}

int Port::set_up_rx_queue(std::uint16_t index, rte_mempool *pool) {
    const int room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
    if (ethdev_->data->mtu + frame_overhead > room) {
        TESTVF_LOG(ERR, "%s: mbufs of %d bytes are too small for an MTU of %u", ethdev_->data->name,
                   room, ethdev_->data->mtu);
        return -EINVAL;
    }
    auto queue = RxQueue::create(netdevice_->index(), ethdev_->data->port_id, pool, watch_->gone());
    if (!queue)
        return report(std::unexpected(queue.error()));
    ethdev_->data->rx_queues[index] = queue->release();
    return 0;
}

int Port::set_up_tx_queue(std::uint16_t index) {
    auto queue = TxQueue::create(netdevice_->index(), watch_->gone());
    if (!queue)
        return report(std::unexpected(queue.error()));
    ethdev_->data->tx_queues[index] = queue->release();
    return 0;
}

void Port::release_rx_queue(std::uint16_t index) {
    delete rx_queue(index);
    ethdev_->data->rx_queues[index] = nullptr;
}

void Port::release_tx_queue(std::uint16_t index) {
    delete tx_queue(index);
    ethdev_->data->tx_queues[index] = nullptr;
}

int Port::set_link_up(bool up) {
    if (const int error = report(netdevice_->set_up(up)); error != 0)
        return error;
    std::ignore = update_link();
    return 0;
}

int Port::update_link() {
    const rte_eth_link link = netdevice_->link();
    return rte_eth_linkstatus_set(ethdev_, &link);
}

int Port::set_membership(bool &present, bool wanted, unsigned short type) {
    // ethdev applies these again at each start, and the kernel counts.
    if (present == wanted || gone())
        return 0;
    const int error =
        report(wanted ? memberships_.add_membership(type) : memberships_.remove_membership(type));
    if (error == 0)
        present = wanted;
    return error;
}

int Port::set_promiscuous(bool on) { return set_membership(promiscuous_, on, PACKET_MR_PROMISC); }

int Port::set_all_multicast(bool on) {
    return set_membership(all_multicast_, on, PACKET_MR_ALLMULTI);
}

int Port::set_mtu(std::uint16_t mtu) { return report(netdevice_->set_mtu(mtu)); }

int Port::set_mac(const rte_ether_addr &address) {
    TESTVF_LOG(INFO, "%s: mac_addr_set", ethdev_->data->name);
    if (gone() || (other_mac_ && rte_is_same_ether_addr(&*other_mac_, &address) != 0))
        return 0;
    if (other_mac_) {
        if (const int error =
                report(memberships_.remove_membership(PACKET_MR_UNICAST, &*other_mac_));
            error != 0)
            return error;
        other_mac_.reset();
    }
    if (rte_is_same_ether_addr(&own_mac_, &address) != 0)
        return 0;
    // The netdevice's own address stays: by it a VF is known as that of its NetVSC.
    if (const int error = report(memberships_.add_membership(PACKET_MR_UNICAST, &address));
        error != 0)
        return error;
    other_mac_ = address;
    return 0;
}

void Port::get_stats(rte_eth_stats &stats) {
    for (std::uint16_t i = 0; i < ethdev_->data->nb_rx_queues; i++) {
        RxQueue *queue = rx_queue(i);
        if (queue == nullptr)
            continue;
        stats.ipackets += queue->counters.packets.value();
        stats.ibytes += queue->counters.bytes.value();
        stats.ierrors += queue->counters.errors.value();
        stats.rx_nombuf += queue->no_mbuf.value();
        stats.imissed += queue->missed();
    }
    for (std::uint16_t i = 0; i < ethdev_->data->nb_tx_queues; i++) {
        const TxQueue *queue = tx_queue(i);
        if (queue == nullptr)
            continue;
        stats.opackets += queue->counters.packets.value();
        stats.obytes += queue->counters.bytes.value();
        stats.oerrors += queue->counters.errors.value();
    }
}

void Port::reset_stats() {
    for (std::uint16_t i = 0; i < ethdev_->data->nb_rx_queues; i++)
        if (RxQueue *queue = rx_queue(i))
            queue->reset_counters();
    for (std::uint16_t i = 0; i < ethdev_->data->nb_tx_queues; i++)
        if (TxQueue *queue = tx_queue(i))
            queue->counters.reset();
}

} // namespace testvf
