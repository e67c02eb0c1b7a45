// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/lcore_state.hpp"
#include "sysfs/pci_address.hpp"
#include "telemetry/telemetry_client.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include <rte_mempool.h>

namespace netvsc::test {

using namespace std::chrono_literals;

/// The arguments of the program.
struct Setup {
    std::string netdevice;   ///< the NetVSC
    PciAddress vf;           ///< of the NetVSC; its PCI function exists
    std::string file_prefix; ///< EAL's
};

/// A DPDK application with one port of the driver's, polled by a worker, and the host that
/// takes the VF away and brings it back. Used by one thread.
class Application {
public:
    explicit Application(Setup setup);

    /// Adds an instance of the driver. @param arguments  further ones. @return
    /// rte_eal_hotplug_add()'s
    [[nodiscard]] int add_driver(const std::string &arguments,
                                 std::chrono::milliseconds keepalive = 10ms);
    void remove_driver();

    [[nodiscard]] bool has_driver() const { return added_; }

    /// The driver's port, if there is one.
    [[nodiscard]] std::optional<std::uint16_t> port() const;
    /// Configures and starts it, and has it polled.
    [[nodiscard]] bool start_port();
    /// Has it receive everything and all multicast and two groups, and no longer; gives it the MTU
    /// and the address that it has.
    [[nodiscard]] bool change_port();
    [[nodiscard]] bool started() const { return port_ >= 0; }
    [[nodiscard]] bool vf_attached() const;
    [[nodiscard]] bool vf_absent() const;

    /// The host's doing.
    void bring_vf() const;
    void take_vf() const;
    [[nodiscard]] bool vf_there() const;
    /// The NetVSC's netdevice down and up again: a notification of the kernel's.
    void touch_netdevice() const;

    /// The worker stops polling, and polls again.
    void hang();
    void resume();
    /// As another program reads it in shared memory. A dead lcore becomes GONE a period later.
    [[nodiscard]] bool worker_alive() const;
    [[nodiscard]] bool worker_dead() const;

    /// Causes so many events, by an instance of its own, that each later event replaces an earlier
    /// one.
    void fill_event_ring();

    /// Each telemetry command once. @return whether all were answered
    [[nodiscard]] bool ask_telemetry();

private:
    [[nodiscard]] std::optional<LcoreState> worker_state() const;
    static int work(void *self);

    const Setup setup_;
    const unsigned worker_;
    rte_mempool *mbufs_ = nullptr;
    std::atomic<int> polled_ = -1; ///< the port the worker is to poll
    std::atomic<int> polling_ = -1;
    std::atomic<std::uint16_t> queues_ = 2; ///< in each direction
    int port_ = -1;
    bool added_ = false;
    std::optional<TelemetryClient> telemetry_;
};

} // namespace netvsc::test
