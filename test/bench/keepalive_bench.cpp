// SPDX-License-Identifier: BSD-3-Clause
//
// What keepalive= costs a burst: rte_eth_rx_burst() on fail-safe ports over net_null, first without
// the driver's callback, then with it. Needs no hugepages and no privilege beyond EAL's.
#include "common/eal.hpp"

#include <array>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include <ethdev_driver.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pmd_vdev_netvsc.h>

namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t burst = 32;

[[noreturn]] void fail(const char *what) {
    std::cerr << "bench_keepalive: " << what << " failed\n";
    std::exit(1);
}

std::uint16_t start(const char *name, rte_mempool *pool) {
    std::uint16_t port = 0;
    const rte_eth_conf configuration{};
    if (rte_eth_dev_get_port_by_name(name, &port) != 0 ||
        rte_eth_dev_configure(port, 1, 1, &configuration) != 0 ||
        rte_eth_rx_queue_setup(port, 0, 256, 0, nullptr, pool) != 0 ||
        rte_eth_tx_queue_setup(port, 0, 256, 0, nullptr) != 0 || rte_eth_dev_start(port) != 0)
        fail(name);
    return port;
}

bool has_callback(std::uint16_t port) {
    return rte_eth_devices[port].post_rx_burst_cbs[0] != nullptr;
}

void keep_alive(std::uint16_t port) {
    if (has_callback(port))
        return;
    if (rte_eal_hotplug_add("vdev", "net_vdev_netvsc0", "iface=absent,keepalive=100") != 0)
        fail("net_vdev_netvsc0");
    for (int tries = 0; !has_callback(port); ++tries) {
        if (tries == 100)
            fail("keepalive");
        std::this_thread::sleep_for(50ms);
    }
}

void rx_burst(benchmark::State &state, std::uint16_t port, bool with_keepalive) {
    if (with_keepalive)
        keep_alive(port);
    else if (has_callback(port))
        fail("a port without callbacks");
    std::array<rte_mbuf *, burst> packets{};
    std::uint64_t received = 0;
    for (auto _ : state) {
        const std::uint16_t count = rte_eth_rx_burst(port, 0, packets.data(), burst);
        rte_pktmbuf_free_bulk(packets.data(), count);
        received += count;
    }
    state.counters["packets/burst"] =
        benchmark::Counter(static_cast<double>(received), benchmark::Counter::kAvgIterations);
}

} // namespace

int main(int count, char **arguments) {
    benchmark::Initialize(&count, arguments);
    // Whatever is called of the driver's, or the linker would leave it out.
    if (rte_pmd_vdev_netvsc_ports(nullptr, 0) != 0)
        fail("rte_pmd_vdev_netvsc_ports");
    if (netvsc::test::start_eal({"--vdev", "net_failsafe_vsc0,dev(net_null0,no-rx=1)", "--vdev",
                                 "net_failsafe_vsc1,dev(net_null1)"}) < 0)
        fail("rte_eal_init");
    rte_mempool *pool =
        rte_pktmbuf_pool_create("packets", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    if (pool == nullptr)
        fail("rte_pktmbuf_pool_create");
    const std::uint16_t empty = start("net_failsafe_vsc0", pool);
    const std::uint16_t full = start("net_failsafe_vsc1", pool);
    // In this order: the callback comes with the first that wants it.
    for (const bool with_keepalive : {false, true}) {
        const std::string suffix = with_keepalive ? "/keepalive" : "/plain";
        benchmark::RegisterBenchmark(("empty_burst" + suffix).c_str(), rx_burst, empty,
                                     with_keepalive);
        benchmark::RegisterBenchmark(("burst_of_32" + suffix).c_str(), rx_burst, full,
                                     with_keepalive);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    // EAL's own end would walk on to a device that fail-safe has freed.
    for (const char *name : {"net_failsafe_vsc0", "net_failsafe_vsc1"})
        rte_eal_hotplug_remove("vdev", name);
    rte_eal_cleanup();
    return 0;
}
