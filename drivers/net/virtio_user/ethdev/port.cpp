// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/port.hpp"

#include "backend/features.hpp"
#include "device/open_backend.hpp"
#include "ethdev/held.hpp"
#include "ethdev/log.hpp"
#include "ethdev/receive_queue.hpp"
#include "ethdev/send_offloads.hpp"
#include "ethdev/send_queue.hpp"
#include "ring/net_header.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

namespace netvsc::virtio {
namespace {

constexpr std::uint64_t receive_checksums =
    RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
constexpr std::uint64_t send_checksums =
    RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

QueueKind kind_of(std::uint64_t features, std::uint16_t entries) {
    const auto has = [&](std::uint64_t feature) { return (features & feature) != 0; };
    return {.packed = has(feature::ring_packed),
            .in_order = has(feature::in_order),
            .mergeable = has(feature::mrg_rxbuf),
            .indirect = has(feature::indirect_desc),
            .entries = entries};
}

} // namespace

Result<std::shared_ptr<Port>> Port::make(rte_eth_dev &ethdev, const Arguments &arguments) {
    if (auto ready = Gate::prepare(); !ready)
        return std::unexpected(ready.error());
    auto open = open_backend(arguments);
    if (!open)
        return std::unexpected(open.error());
    auto device = Device::make(std::move(open->backend),
                               {.pairs = arguments.queues,
                                .emulated = emulated_features(arguments) | open->emulated,
                                .excluded = excluded_features(arguments)});
    if (!device)
        return std::unexpected(device.error());
    if (auto connected = device->connect(); !connected)
        return std::unexpected(connected.error());
    ethdev.data->mac_addrs = static_cast<rte_ether_addr *>(
        rte_zmalloc("virtio_user", Port::max_addresses * sizeof(rte_ether_addr), 0));
    if (ethdev.data->mac_addrs == nullptr)
        return failure(ENOMEM, "addresses");
    auto port = std::make_shared<Port>(ethdev, arguments, std::move(*device));
    if (open->may_leave)
        ethdev.data->dev_flags |= RTE_ETH_DEV_INTR_LSC;
    if (auto usable = port->begin(); !usable) {
        port->close();
        return std::unexpected(usable.error());
    }
    return port;
}

Port::Port(rte_eth_dev &ethdev, const Arguments &arguments, Device device)
    : ethdev_(ethdev), arguments_(arguments), name_(ethdev.data->name),
      kind_(kind_of(device.offered(), arguments.queue_size)), device_(std::move(device)) {
    rte_ether_addr &address = ethdev_.data->mac_addrs[0];
    if (arguments_.mac)
        std::ranges::copy(arguments_.mac->bytes, address.addr_bytes);
    else
        rte_eth_random_addr(address.addr_bytes);
    if (arguments_.cq)
        control_ = ControlChannel::make(
            kind_.packed, arguments_.queues,
            [this](std::uint16_t pairs) NETVSC_ANNOTATION(no_thread_safety_analysis) {
                const auto set = device_.enable_pairs(pairs);
                if (!set)
                    log(LogLevel::error, name_ + ": " + set.error().message());
                return set.has_value();
            });
}

Port::~Port() = default;

// A packed ring may have any size, a split one not.
Result<void> Port::begin() {
    if (!kind_.packed && !is_split_size(kind_.entries))
        return failure(ENOTSUP, "queue_size=" + std::to_string(kind_.entries) +
                                    " needs packed rings, which the back end lacks");
    if (arguments_.packed_vq && !kind_.packed)
        log(LogLevel::warning, name_ + ": the back end has no packed rings; uses split rings");
    begin_watching();
    return {};
}

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

int Port::configure() {
    const MutexLock lock(mutex_);
    const std::uint64_t features = wanted_features_locked();
    if (const std::uint64_t missing = features & ~device_.offered(); missing != 0) {
        log(LogLevel::error, name_ + ": the back end lacks an offload that was configured");
        return -ENOTSUP;
    }
    device_.negotiate(features);
    pairs_ = std::max(ethdev_.data->nb_rx_queues, ethdev_.data->nb_tx_queues);
    receive_.resize(std::max<std::size_t>(receive_.size(), ethdev_.data->nb_rx_queues));
    send_.resize(std::max<std::size_t>(send_.size(), ethdev_.data->nb_tx_queues));
    return 0;
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

QueueOptions Port::queue_options(const char *direction, std::uint16_t index,
                                 std::uint16_t descriptors, int numa_node, unsigned ring) {
    const MutexLock lock(mutex_);
    return {.kind = kind_,
            .name = "virtio_user" + std::to_string(ethdev_.data->port_id) + direction +
                    std::to_string(index),
            .numa_node = numa_node,
            .port = ethdev_.data->port_id,
            .descriptors = descriptors,
            .kick_fd = device_.kick_fd(ring),
            .report_fault = [this] { call_later(std::chrono::microseconds{1}); }};
}

int Port::setup_receive(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                        const rte_eth_rxconf &conf, rte_mempool &pool) {
    if (conf.rx_deferred_start != 0) {
        log(LogLevel::error, name_ + ": deferred start of queues is not supported");
        return -EINVAL;
    }
    static_assert(RTE_PKTMBUF_HEADROOM >= sizeof(NetHeader));
    const std::uint32_t room = rte_pktmbuf_data_room_size(&pool);
    if (room <= RTE_PKTMBUF_HEADROOM) {
        log(LogLevel::error, name_ + ": receive queue " + std::to_string(index) +
                                 ": the mempool's buffers have no room for a frame");
        return -EINVAL;
    }
    QueueOptions options = queue_options("_rx", index, descriptors, numa_node, 2U * index);
    options.pool = &pool;
    auto queue = make_receive_queue(std::move(options));
    if (!queue) {
        log(LogLevel::error, name_ + ": " + queue.error().message());
        return -queue.error().number;
    }
    ethdev_.data->rx_queues[index] = queue->get();
    place(receive_, index, std::move(*queue));
    return 0;
}

int Port::setup_send(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                     const rte_eth_txconf &conf) {
    if (conf.tx_deferred_start != 0) {
        log(LogLevel::error, name_ + ": deferred start of queues is not supported");
        return -EINVAL;
    }
    auto queue =
        make_send_queue(queue_options("_tx", index, descriptors, numa_node, 2U * index + 1));
    if (!queue) {
        log(LogLevel::error, name_ + ": " + queue.error().message());
        return -queue.error().number;
    }
    ethdev_.data->tx_queues[index] = queue->get();
    place(send_, index, std::move(*queue));
    return 0;
}

// The old queue goes after the lock: it frees EAL's memory.
void Port::place(std::vector<std::unique_ptr<Queue>> &queues, std::uint16_t index,
                 std::unique_ptr<Queue> queue) {
    const MutexLock lock(mutex_);
    if (index < queues.size())
        queues[index].swap(queue);
}

void Port::release_receive(std::uint16_t index) { place(receive_, index, nullptr); }

void Port::release_send(std::uint16_t index) { place(send_, index, nullptr); }

int Port::start() {
    bool changed = false;
    {
        const Held held(mutex_);
        const rte_eth_conf &conf = ethdev_.data->dev_conf;
        ethdev_.rx_pkt_burst = receive_burst(
            kind_, {.mergeable = kind_.mergeable,
                    .offloads = (device_.features() & (feature::guest_csum | feature::guest_tso4 |
                                                       feature::guest_tso6)) != 0,
                    .strip_vlan = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0});
        const bool offloads = (conf.txmode.offloads &
                               ~static_cast<std::uint64_t>(RTE_ETH_TX_OFFLOAD_MULTI_SEGS)) != 0;
        ethdev_.tx_pkt_burst = send_burst(kind_, {.offloads = offloads});
        ethdev_.tx_pkt_prepare = offloads ? prepare_to_send : nullptr;
        started_ = true;
        if (device_.connected()) {
            if (auto up = bring_up_locked(); !up) {
                started_ = false;
                log(LogLevel::error, name_ + ": cannot start: " + up.error().message());
                watch_locked();
                return -up.error().number;
            }
        }
        set_queue_states(RTE_ETH_QUEUE_STATE_STARTED);
        changed = publish_link_locked();
    }
    announce_link(changed);
    return 0;
}

void Port::set_queue_states(std::uint8_t state) {
    std::fill_n(ethdev_.data->rx_queue_state, ethdev_.data->nb_rx_queues, state);
    std::fill_n(ethdev_.data->tx_queue_state, ethdev_.data->nb_tx_queues, state);
}

int Port::stop() {
    const MutexLock lock(mutex_);
    set_queue_states(RTE_ETH_QUEUE_STATE_STOPPED);
    close_gates_locked();
    if (std::exchange(started_, false) && device_.connected()) {
        if (auto stopped = device_.stop(); !stopped)
            lose_peer_locked(stopped.error().message());
    }
    (void)publish_link_locked();
    return 0;
}

void Port::close() {
    stop();
    end_watching();
    std::vector<std::unique_ptr<Queue>> receive;
    std::vector<std::unique_ptr<Queue>> send;
    {
        const MutexLock lock(mutex_);
        closed_ = true;
        watch_.reset();
        device_.disconnect();
        receive.swap(receive_);
        send.swap(send_);
    }
    rte_free(std::exchange(ethdev_.data->mac_addrs, nullptr));
}

int Port::command(std::uint64_t needed, std::span<const std::byte> command) {
    const MutexLock lock(mutex_);
    if (control_ == nullptr || (device_.features() & needed) == 0)
        return -ENOTSUP;
    const auto done = control_->execute(command);
    if (!done)
        log(LogLevel::error, name_ + ": " + done.error().message());
    return done ? 0 : -done.error().number;
}

int Port::set_link(bool up) {
    bool changed = false;
    {
        const MutexLock lock(mutex_);
        wanted_up_ = up;
        if (!up)
            close_gates_locked();
        else if (device_.started())
            for_each_queue_locked([](Queue &queue) { queue.gate.open(); });
        changed = publish_link_locked();
    }
    announce_link(changed);
    return 0;
}

int Port::update_link() {
    const MutexLock lock(mutex_);
    return publish_link_locked() ? 0 : -1;
}

int Port::set_mtu(std::uint16_t mtu) const {
    if (kind_.mergeable)
        return 0;
    constexpr std::uint32_t headers = RTE_ETHER_HDR_LEN + sizeof(rte_vlan_hdr);
    const std::uint32_t frame = mtu + headers;
    const std::uint32_t room = ethdev_.data->min_rx_buf_size - RTE_PKTMBUF_HEADROOM;
    if (ethdev_.data->min_rx_buf_size != 0 && frame > room) {
        log(LogLevel::error, name_ + ": MTU " + std::to_string(mtu) + " needs buffers of " +
                                 std::to_string(frame) + " bytes or mrg_rxbuf=1; they have " +
                                 std::to_string(room));
        return -EINVAL;
    }
    return 0;
}

} // namespace netvsc::virtio
