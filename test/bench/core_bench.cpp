// SPDX-License-Identifier: BSD-3-Clause
//
// What the core needs to decide, by how many netdevices it knows: the time of one event must not
// grow with them. Without I/O and DPDK.
#include "core/supervisor.hpp"
#include "vdev_netvsc/core/netdevices.hpp"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace {

using namespace netvsc;

constexpr int fewest = 100;
constexpr int most = 100'000;
constexpr int first_software = 10;

[[noreturn]] void fail(const char *what) {
    std::cerr << "bench_core: " << what << '\n';
    std::exit(1);
}

LinkMessage software(int ifindex) {
    return test::software("veth" + std::to_string(ifindex), ifindex, test::mac(1)).message;
}

/// A NetVSC with a port, among so many netdevices made by software that all have its MAC address.
Supervisor supervisor_among(std::int64_t others) {
    Supervisor supervisor;
    const Link netvsc = test::netvsc("eth1", 1, test::mac(1));
    (void)supervisor.link(netvsc.message, netvsc.facts);
    for (int number = 0; number < others; ++number)
        (void)supervisor.link(software(first_software + number), std::nullopt);
    if (!supervisor.add_instance(0, "net_vdev_netvsc0", {.interfaces = {"eth1"}}))
        fail("the instance was refused");
    (void)supervisor.handle(PortCreated{.number = 0}, {});
    return supervisor;
}

void count_decisions(benchmark::State &state, std::int64_t per_iteration) {
    state.counters["decisions_per_second"] = benchmark::Counter(
        static_cast<double>(state.iterations() * per_iteration), benchmark::Counter::kIsRate);
}

/// One of the many gets or loses its carrier.
void other_changes(benchmark::State &state) {
    Supervisor supervisor = supervisor_among(state.range(0));
    LinkMessage message = software(first_software);
    for (auto _ : state) {
        message.carrier = !message.carrier;
        benchmark::DoNotOptimize(supervisor.link(message, std::nullopt));
    }
    count_decisions(state, 1);
}

/// One more is made and deleted.
void other_added_and_removed(benchmark::State &state) {
    Supervisor supervisor = supervisor_among(state.range(0));
    const LinkMessage message = software(first_software + most);
    for (auto _ : state) {
        benchmark::DoNotOptimize(supervisor.link(message, std::nullopt));
        benchmark::DoNotOptimize(supervisor.link_gone(message.ifindex));
    }
    count_decisions(state, 2);
}

/// What became of a command about the port's VF.
Outcome outcome(const VfId &vf, const VfEvent &event) {
    return VfOutcome{.number = 0, .vf = vf, .event = event};
}

/// The VF arrives, is probed, is attached by fail-safe, and leaves.
void vf_added_and_removed(benchmark::State &state) {
    Supervisor supervisor = supervisor_among(state.range(0));
    const Link link = test::vf("eth2", 2, test::mac(1), "0000:02:00.0");
    const VfId vf = id_of(link);
    for (auto _ : state) {
        benchmark::DoNotOptimize(supervisor.link(link.message, link.facts));
        benchmark::DoNotOptimize(supervisor.handle(outcome(vf, VfProbed{}), {}));
        benchmark::DoNotOptimize(supervisor.handle(outcome(vf, VfChecked{.taken = true}), {}));
        if (supervisor.port(0)->vf_state != VfState::attached)
            fail("the VF was not attached");
        benchmark::DoNotOptimize(supervisor.link_gone(link.ifindex()));
        benchmark::DoNotOptimize(supervisor.handle(outcome(vf, VfWithdrawn{}), {}));
    }
    count_decisions(state, 5);
}

BENCHMARK(other_changes)->RangeMultiplier(10)->Range(fewest, most);
BENCHMARK(other_added_and_removed)->RangeMultiplier(10)->Range(fewest, most);
BENCHMARK(vf_added_and_removed)->RangeMultiplier(10)->Range(fewest, most);

} // namespace

BENCHMARK_MAIN();
