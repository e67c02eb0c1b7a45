// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <cstdint>
#include <optional>
#include <string>

struct rte_eth_dev;

namespace netvsc {

/// The VF that an ethdev port may be, with its MAC address; nullopt for a port on another bus
/// than PCI.
[[nodiscard]] std::optional<VfId> vf_of(const rte_eth_dev &device);

/// The ethdev port of a VF.
class VfPort {
public:
    /// Probes the VF's PCI device with DPDK's drivers.
    /// @param devargs  its address and device arguments, as fail-safe would be told
    /// @return 0 if it is now (or was already) probed, else a positive errno
    [[nodiscard]] static int probe(const std::string &devargs);

    [[nodiscard]] static std::optional<VfPort> find(const VfId &vf);

    /// Makes the port fit for fail-safe, which cannot take, or leave, every PMD's port as it is
    /// (see vf_port.cpp). To be called after the probe and before fail-safe takes the port.
    /// @param failsafe_link_up  the fail-safe port's link status
    void adapt(bool failsafe_link_up) const;

    /// Somebody (fail-safe) has taken it.
    [[nodiscard]] bool owned() const;
    /// If it is a fail-safe port that has taken it, and that could not be made after all:
    /// DPDK 22.11 leaves it with the VF, which nobody else could take.
    void release_from_failsafe() const;
    [[nodiscard]] bool started() const;
    /// Raises RTE_ETH_EVENT_INTR_RMV, by which fail-safe leaves the device.
    void raise_removal() const;

    /// ethdev's.
    [[nodiscard]] std::uint16_t id() const { return port_; }

    /// Closes the VF's port, if it has one, and takes its PCI device from DPDK if that has no
    /// other.
    /// @return false: somebody has taken it, and it is left to that
    static bool remove_unless_owned(const VfId &vf);

private:
    void remove() const;

    explicit VfPort(std::uint16_t port) : port_(port) {}
    std::uint16_t port_;
};

} // namespace netvsc
