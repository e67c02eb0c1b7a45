// SPDX-License-Identifier: BSD-3-Clause
//
// The driver between a simulated kernel and a simulated DPDK. Both act at random:
// - Netdevices of every kind are added, removed, moved and changed.
// - Notifications are lost, and a dump follows.
// - VFs are bound to another kernel driver and lose their netdevice. Their PCI functions are
// removed.
// - Ports, binds and probes fail. fail-safe reads its pipe at any time.
// - The application closes ports. Instances are added and removed.
//
// Whenever nothing is pending, the test derives the expected state from the simulated kernel alone
// and compares it with the driver's state.
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

TEST(SupervisorSimulation, SettlesInTheStateOfTheKernel) {
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
                   << "\nThe last actions:\n"
                   << simulation.journal();
        }
        for (const auto &[what, times] : simulation.statistics())
            statistics[what] += times;
    }
    // Each kind of action occurred. Otherwise the test would prove nothing.
    for (const auto *what : {"create",
                             "destroy",
                             "release",
                             "announce",
                             "withdraw",
                             "check",
                             "raise",
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
