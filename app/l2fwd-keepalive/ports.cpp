// SPDX-License-Identifier: BSD-3-Clause
#include "l2fwd-keepalive/ports.hpp"

#include "l2fwd-keepalive/worker.hpp"

#include <iostream>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

namespace netvsc {
namespace {

using Outcome = std::expected<void, std::string>;

constexpr std::uint16_t descriptors = 1024;
constexpr unsigned mempool_cache = 256;

std::string message(std::uint16_t port, const char *what, int error) {
    return "port " + std::to_string(port) + ": " + what + ": " +
           rte_strerror(error < 0 ? -error : error);
}

std::unexpected<std::string> failed(std::uint16_t port, const char *what, int error) {
    return std::unexpected(message(port, what, error));
}

Outcome start_port(std::uint16_t port, rte_mempool *pool) {
    rte_eth_conf configuration{};
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(port, &info); error != 0)
        return failed(port, "rte_eth_dev_info_get", error);
    configuration.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    if (const int error = rte_eth_dev_configure(port, 1, 1, &configuration); error != 0)
        return failed(port, "rte_eth_dev_configure", error);
    std::uint16_t receive = descriptors;
    std::uint16_t transmit = descriptors;
    if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(port, &receive, &transmit); error != 0)
        return failed(port, "rte_eth_dev_adjust_nb_rx_tx_desc", error);
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(port));
    rte_eth_rxconf rx = info.default_rxconf;
    rx.offloads = configuration.rxmode.offloads;
    if (const int error = rte_eth_rx_queue_setup(port, 0, receive, socket, &rx, pool); error != 0)
        return failed(port, "rte_eth_rx_queue_setup", error);
    rte_eth_txconf tx = info.default_txconf;
    tx.offloads = configuration.txmode.offloads;
    if (const int error = rte_eth_tx_queue_setup(port, 0, transmit, socket, &tx); error != 0)
        return failed(port, "rte_eth_tx_queue_setup", error);
    if (const int error = rte_eth_dev_start(port); error != 0)
        return failed(port, "rte_eth_dev_start", error);
    if (const int error = rte_eth_promiscuous_enable(port); error != 0 && error != -ENOTSUP)
        return failed(port, "rte_eth_promiscuous_enable", error);
    return {};
}

void count_and_free(rte_mbuf **packets, std::uint16_t count, void *path) {
    static_cast<Path *>(path)->dropped.add(count);
    rte_pktmbuf_free_bulk(packets, count);
}

Outcome prepare(Path &path) {
    if (const int error = rte_eth_macaddr_get(path.to, &path.source); error != 0)
        return failed(path.to, "rte_eth_macaddr_get", error);
    path.destination = {{0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(path.to)}};
    path.buffer.reset(static_cast<rte_eth_dev_tx_buffer *>(rte_zmalloc_socket(
        "tx_buffer", RTE_ETH_TX_BUFFER_SIZE(Worker::burst), 0, rte_eth_dev_socket_id(path.to))));
    if (!path.buffer)
        return failed(path.to, "Tx buffer", ENOMEM);
    rte_eth_tx_buffer_init(path.buffer.get(), Worker::burst);
    rte_eth_tx_buffer_set_err_callback(path.buffer.get(), count_and_free, &path);
    return {};
}

} // namespace

std::expected<Ports, std::string> Ports::start(std::uint64_t mask) {
    std::vector<std::uint16_t> numbers;
    for (std::uint16_t port = 0; port < 64; ++port) {
        if ((mask >> port & 1) == 0)
            continue;
        if (rte_eth_dev_is_valid_port(port) == 0)
            return std::unexpected("port " + std::to_string(port) + " does not exist; there are " +
                                   std::to_string(rte_eth_dev_count_avail()));
        numbers.push_back(port);
    }
    const auto count = static_cast<unsigned>(numbers.size());
    rte_mempool *pool = rte_pktmbuf_pool_create(
        "l2fwd", count * (2 * descriptors + 2 * Worker::burst) + rte_lcore_count() * mempool_cache,
        mempool_cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, static_cast<int>(rte_socket_id()));
    if (pool == nullptr)
        return std::unexpected(std::string("no memory for packets: ") + rte_strerror(rte_errno));
    Ports ports;
    for (std::size_t index = 0; index < numbers.size(); ++index) {
        const std::size_t peer = (index ^ 1) < numbers.size() ? index ^ 1 : index;
        auto path = std::make_unique<Path>();
        path->from = numbers[index];
        path->to = numbers[peer];
        ports.paths_.push_back(std::move(path));
    }
    for (const auto &path : ports.paths_) {
        if (auto started = start_port(path->from, pool); !started)
            return std::unexpected(std::move(started.error()));
    }
    for (const auto &path : ports.paths_) {
        if (auto prepared = prepare(*path); !prepared)
            return std::unexpected(std::move(prepared.error()));
    }
    return ports;
}

Ports::~Ports() {
    for (const auto &path : paths_) {
        if (const int error = rte_eth_dev_stop(path->from); error != 0)
            std::cerr << message(path->from, "rte_eth_dev_stop", error) << '\n';
    }
    for (const auto &path : paths_) {
        if (const int error = rte_eth_dev_close(path->from); error != 0)
            std::cerr << message(path->from, "rte_eth_dev_close", error) << '\n';
    }
}

} // namespace netvsc
