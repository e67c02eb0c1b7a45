// SPDX-License-Identifier: BSD-3-Clause
//
// The Supervisor between a simulated kernel and a simulated DPDK, both of which do what they do
// at random: netdevices of every kind come, go, move and change, notifications get lost and a
// listing follows, VFs are bound to another kernel driver and lose their netdevice by that, their
// PCI functions are pulled out, ports, binds and probes fail, fail-safe looks into its pipe at any
// time, the application closes ports, instances come and go. Whenever all has come to rest, what
// must then be so is worked out from the simulated kernel alone and held against what is.
//
// NETVSC_SIMULATION_SEEDS=n runs n seeds, NETVSC_SIMULATION_SEED=s that one.

#include "simulation/simulation.hpp"

#include <cstdlib>
#include <gtest/gtest.h>

namespace netvsc::simulation {
namespace {

std::optional<std::uint64_t> number_in_environment(const char *name) {
    const char *text = std::getenv(name);
    return text != nullptr ? std::optional(std::strtoull(text, nullptr, 0)) : std::nullopt;
}

TEST(SupervisorSimulation, ComesToRestWhereTheKernelsStateSays) {
    const auto only = number_in_environment("NETVSC_SIMULATION_SEED");
    const std::uint64_t count = number_in_environment("NETVSC_SIMULATION_SEEDS").value_or(2000);
    const std::uint64_t first = only.value_or(1);
    const std::uint64_t last = only ? *only : count;
    std::map<std::string, int> statistics;
    std::cout << "seeds " << first << " to " << last << "\n";
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Simulation simulation(seed);
        try {
            simulation.run(8);
        } catch (const Violation &violation) {
            FAIL() << violation.what() << "\nNETVSC_SIMULATION_SEED=" << seed
                   << "\nWhat happened last:\n"
                   << simulation.journal();
        }
        for (const auto &[what, times] : simulation.statistics())
            statistics[what] += times;
    }
    // Each kind of thing did happen: else this would be no test.
    for (const auto *what : {"create",
                             "destroy",
                             "release",
                             "announce",
                             "withdraw",
                             "check",
                             "report",
                             "restore",
                             "event",
                             "error:",
                             "warning:",
                             "notice:",
                             "info:",
                             "listing",
                             "rescan",
                             "leaving",
                             "failed bind",
                             "removal by the PMD",
                             "port at the end",
                             "VF attached at the end",
                             "VF bound at the end"}) {
        std::cout << what << " " << statistics[what] << ", ";
        EXPECT_TRUE(only || statistics[what] > static_cast<int>(count) / 8) << what;
    }
    std::cout << "\n";
}

} // namespace
} // namespace netvsc::simulation
