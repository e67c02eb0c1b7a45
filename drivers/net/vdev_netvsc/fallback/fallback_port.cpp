// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/fallback_port.hpp"

#include "dpdk/adapted_operations.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "failsafe/double_release.hpp"
#include "failsafe/link_events.hpp"
#include "fallback/af_packet_port.hpp"
#include "fallback/af_xdp/af_xdp_port.hpp"
#include "fallback/tap_port.hpp"
#include "fallback/virtio_user_port.hpp"

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace netvsc {
namespace {

using Level = Message::Level;

// By port id. A slot is used by one thread at a time, as ethdev's operations on a port are.
std::array<std::unique_ptr<FallbackPort>, RTE_MAX_ETHPORTS> &adapted() {
    static auto *ports = new std::array<std::unique_ptr<FallbackPort>, RTE_MAX_ETHPORTS>;
    return *ports;
}

} // namespace

// What ethdev calls.
struct FallbackPort::Operations {
    static void replace(eth_dev_ops &operations) {
        using RxMode = NetdeviceControl::RxMode;
        operations.dev_infos_get = info;
        operations.dev_configure = configure;
        operations.rx_queue_setup = rx_queue_setup;
        operations.dev_start = start;
        operations.dev_stop = stop;
        operations.dev_close = close;
        operations.link_update = link_update;
        operations.mtu_set = mtu_set;
        operations.mac_addr_set = mac_addr_set;
        operations.promiscuous_enable = set_rx_mode<RxMode::promiscuous, true>;
        operations.promiscuous_disable = set_rx_mode<RxMode::promiscuous, false>;
        operations.allmulticast_enable = set_rx_mode<RxMode::all_multicast, true>;
        operations.allmulticast_disable = set_rx_mode<RxMode::all_multicast, false>;
        operations.set_mc_addr_list = set_mc_addr_list;
        complete_queue_release(operations);
    }
    template <typename Call> static int of(rte_eth_dev *device, Call call) noexcept {
        return guarded(device->data->name,
                       [&] { return call(*adapted().at(device->data->port_id)); });
    }
    static int info(rte_eth_dev *device, rte_eth_dev_info *info) {
        return of(device, [&](FallbackPort &port) { return port.info(*info); });
    }
    static int configure(rte_eth_dev *device) {
        ask_for_link_events(*device);
        return of(device, [](FallbackPort &port) { return port.configure(); });
    }
    static int rx_queue_setup(rte_eth_dev *device, std::uint16_t queue, std::uint16_t descriptors,
                              unsigned socket, const rte_eth_rxconf *configuration,
                              rte_mempool *pool) {
        return of(device, [&](FallbackPort &port) {
            return port.set_up_rx_queue({.queue = queue,
                                         .descriptors = descriptors,
                                         .socket = socket,
                                         .configuration = configuration,
                                         .pool = pool});
        });
    }
    static int start(rte_eth_dev *device) {
        return of(device, [](FallbackPort &port) { return port.start(); });
    }
    static int stop(rte_eth_dev *device) {
        return of(device, [](FallbackPort &port) { return port.stop(); });
    }
    static int close(rte_eth_dev *device) {
        return of(device, [](FallbackPort &port) { return port.close(); });
    }
    static int link_update(rte_eth_dev *device, int wait) {
        return of(device, [&](FallbackPort &port) { return port.update_link(wait); });
    }
    static int mtu_set(rte_eth_dev *device, std::uint16_t mtu) {
        return of(device, [&](FallbackPort &port) { return port.set_mtu(mtu); });
    }
    static int mac_addr_set(rte_eth_dev *device, rte_ether_addr *mac) {
        return of(device, [&](FallbackPort &port) { return port.set_mac(*mac); });
    }
    template <NetdeviceControl::RxMode mode, bool on> static int set_rx_mode(rte_eth_dev *device) {
        return of(device, [](FallbackPort &port) {
            return port.outcome(port.netdevice_.set_rx_mode(mode, on));
        });
    }
    static int set_mc_addr_list(rte_eth_dev *device, rte_ether_addr *addresses,
                                std::uint32_t count) {
        return of(device,
                  [&](FallbackPort &port) { return port.set_multicast({addresses, count}); });
    }
};

FallbackPort::FallbackPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : port_(port), original_(original_operations(port)), netdevice_(std::move(netdevice)) {}

void FallbackPort::adapt(rte_eth_dev &port, Fallback kind, int ifindex) {
    expect_double_release(port);
    if (kind == Fallback::tap) {
        adapt_tap_port(port);
        return;
    }
    auto netdevice = NetdeviceControl::open(ifindex);
    if (!netdevice) {
        log(Level::error, std::string(port.data->name) +
                              " does not follow its netdevice: " + netdevice.error().message());
        return;
    }
    std::unique_ptr<FallbackPort> fitted;
    if (kind == Fallback::af_packet)
        fitted = std::make_unique<AfPacketPort>(port, std::move(*netdevice));
    else if (kind == Fallback::af_xdp)
        fitted = std::make_unique<AfXdpPort>(port, std::move(*netdevice));
    else
        fitted = std::make_unique<VirtioUserPort>(port, std::move(*netdevice));
    adapted().at(port.data->port_id) = std::move(fitted);
    adapt_operations(port, Operations::replace);
}

void FallbackPort::forget(std::uint16_t port) {
    if (const auto fitted = std::exchange(adapted().at(port), nullptr))
        restore_operations(fitted->port_);
}

int FallbackPort::outcome(const Result<void> &result) const {
    if (result)
        return 0;
    log(Level::error, std::string(port_.data->name) + ": " + result.error().message());
    return -result.error().number;
}

int FallbackPort::info(rte_eth_dev_info &info) { return original_.dev_infos_get(&port_, &info); }

int FallbackPort::configure() { return original_.dev_configure(&port_); }

int FallbackPort::set_up_rx_queue(const RxQueue &wanted) {
    return original_.rx_queue_setup(&port_, wanted.queue, wanted.descriptors, wanted.socket,
                                    wanted.configuration, wanted.pool);
}

int FallbackPort::need_queue_pairs(Fallback kind) const {
    const rte_eth_dev_data &data = *port_.data;
    if (data.nb_rx_queues == data.nb_tx_queues)
        return 0;
    log(Level::error, std::string(data.name) + ": net_" + std::string(name_of(kind)) +
                          " wants as many Tx queues as Rx queues, not " +
                          std::to_string(data.nb_tx_queues) + " and " +
                          std::to_string(data.nb_rx_queues));
    return -EINVAL;
}

// Nothing but the PMD's own start may fail. DPDK 22.11: if a sub-device cannot be started,
// fail-safe leaves the others started; neither can it be started again then, nor closed without a
// crash.
int FallbackPort::start() {
    (void)outcome(netdevice_.set_up());
    return original_.dev_start(&port_);
}

int FallbackPort::stop() { return original_.dev_stop(&port_); }

int FallbackPort::close() { return original_.dev_close(&port_); }

int FallbackPort::update_link(int wait) {
    if (original_.link_update != nullptr)
        original_.link_update(&port_, wait);
    // Whether the port is started or not: fail-safe keeps what it was told while it was stopped.
    const bool up = netdevice_.running().value_or(false);
    port_.data->dev_link.link_status = up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
    return 0;
}

int FallbackPort::set_mtu(std::uint16_t mtu) {
    if (const int result = outcome(netdevice_.set_mtu(mtu)); result != 0)
        return result;
    return original_.mtu_set != nullptr ? original_.mtu_set(&port_, mtu) : 0;
}

int FallbackPort::set_mac(rte_ether_addr &mac) {
    if (const int result = outcome(netdevice_.set_mac({std::to_array(mac.addr_bytes)}));
        result != 0)
        return result;
    return original_.mac_addr_set != nullptr ? original_.mac_addr_set(&port_, &mac) : 0;
}

int FallbackPort::set_multicast(std::span<const rte_ether_addr> addresses) {
    std::vector<MacAddress> wanted;
    for (const rte_ether_addr &address : addresses)
        wanted.push_back({std::to_array(address.addr_bytes)});
    return outcome(netdevice_.set_multicast(wanted));
}

} // namespace netvsc
