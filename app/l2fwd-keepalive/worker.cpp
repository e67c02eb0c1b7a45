// SPDX-License-Identifier: BSD-3-Clause
#include "l2fwd-keepalive/worker.hpp"

#include <algorithm>
#include <array>
#include <iostream>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_random.h>

namespace netvsc {
namespace {

constexpr std::uint64_t flushes_per_second = 10'000; // nothing waits longer than 100 us

void readdress(rte_mbuf *packet, const Path &path) {
    auto *header = rte_pktmbuf_mtod(packet, rte_ether_hdr *);
    rte_prefetch0(header);
    header->dst_addr = path.destination;
    header->src_addr = path.source;
}

} // namespace

bool Worker::start() {
    if (!is_idle())
        return false;
    forwards_.store(true, std::memory_order_relaxed);
    ends_.store(false, std::memory_order_release);
    const bool started = rte_eal_remote_launch(run, this, lcore_) == 0;
    if (!started)
        forwards_.store(false, std::memory_order_relaxed);
    return started;
}

bool Worker::is_idle() const {
    return !forwards_.load(std::memory_order_acquire) && rte_eal_get_lcore_state(lcore_) == WAIT;
}

void Worker::want_restart() {
    restart_wanted_ = true;
    end();
}

void Worker::restart_if_wanted() {
    if (!restart_wanted_ || !is_idle())
        return;
    restart_wanted_ = false;
    if (start())
        ++restarts_;
}

void Worker::flush() {
    for (Path *path : paths_)
        path->sent.add(rte_eth_tx_buffer_flush(path->to, 0, path->buffer.get()));
}

int Worker::run(void *self) {
    auto &worker = *static_cast<Worker *>(self);
    worker.print_ports();
    worker.forward();
    worker.forwards_.store(false, std::memory_order_release);
    return 0;
}

// In one piece: other lcores print at the same time.
void Worker::print_ports() const {
    const std::string lcore = std::to_string(lcore_);
    std::string text = "entering main loop on lcore " + lcore + "\n";
    for (const Path *path : paths_)
        text += " -- lcoreid=" + lcore + " portid=" + std::to_string(path->from) + "\n";
    std::cout << text << std::flush;
}

void Worker::forward() {
    const std::uint64_t hz = rte_get_tsc_hz();
    const std::uint64_t flush_after = hz / flushes_per_second;
    const std::uint64_t began = rte_rdtsc();
    const auto lifetime = static_cast<std::uint64_t>(lifetime_.count());
    const std::uint64_t die_after = lifetime == 0 ? UINT64_MAX : rte_rand_max(lifetime * hz);
    std::uint64_t flushed = began;
    while (!ends_.load(std::memory_order_acquire)) {
        if (keepalive_ != nullptr)
            rte_keepalive_mark_alive(keepalive_);
        const std::uint64_t now = rte_rdtsc();
        if (now - began > die_after)
            return;
        if (now - flushed > flush_after) {
            flush();
            flushed = now;
        }
        for (Path *path : paths_)
            forward(*path);
    }
    flush();
}

void Worker::forward(Path &path) {
    std::array<rte_mbuf *, burst> packets;
    const std::uint16_t count = rte_eth_rx_burst(path.from, 0, packets.data(), burst);
    if (count == 0)
        return;
    path.received.add(count);
    std::uint64_t sent = 0;
    for (rte_mbuf *packet : std::span(packets).first(count)) {
        readdress(packet, path);
        sent += rte_eth_tx_buffer(path.to, 0, path.buffer.get(), packet);
    }
    path.sent.add(sent);
}

std::expected<std::vector<std::unique_ptr<Worker>>, std::string>
make_workers(std::span<const std::unique_ptr<Path>> paths, unsigned paths_per_lcore,
             rte_keepalive *keepalive, std::chrono::seconds lifetime) {
    std::vector<std::unique_ptr<Worker>> workers;
    unsigned lcore = rte_get_next_lcore(-1U, 1, 0);
    while (!paths.empty()) {
        if (lcore >= RTE_MAX_LCORE)
            return std::unexpected(
                "too few lcores: the main lcore forwards nothing, and each worker lcore serves " +
                std::to_string(paths_per_lcore) + " ports (-q); " + std::to_string(paths.size()) +
                " are left over");
        const auto part = paths.first(std::min<std::size_t>(paths.size(), paths_per_lcore));
        paths = paths.subspan(part.size());
        std::vector<Path *> own;
        for (const auto &path : part)
            own.push_back(path.get());
        workers.push_back(std::make_unique<Worker>(lcore, std::move(own), keepalive, lifetime));
        lcore = rte_get_next_lcore(lcore, 1, 0);
    }
    return workers;
}

} // namespace netvsc
