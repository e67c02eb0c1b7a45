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
