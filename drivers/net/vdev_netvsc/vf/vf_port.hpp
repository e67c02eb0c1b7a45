// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <cstdint>
#include <optional>
#include <string>

struct rte_eth_dev;

namespace netvsc {

/// The PCI function of an ethdev port, which may be a VF, with the port's MAC address.
/// @return nullopt for a port on another bus than PCI
[[nodiscard]] std::optional<VfId> vf_of(const rte_eth_dev &device);

/// The ethdev port of a VF.
class VfPort {
public:
    /// Probes the VF's PCI device with DPDK's drivers.
    /// @param devargs  its address and device arguments, as announced to fail-safe
    /// @return 0 if the device is probed now (or was before), else a positive errno
    [[nodiscard]] static int probe(const std::string &devargs);

    /// Finds the port of a VF.
    [[nodiscard]] static std::optional<VfPort> find(const VfId &vf);

    /// Adapts the port to fail-safe, which cannot attach or detach every PMD's port (vf_port.cpp
    /// has the reasons). To be called after the probe and before fail-safe attaches the port.
    /// @param failsafe_link_up  the fail-safe port's link status
    void adapt(bool failsafe_link_up) const;

    /// The port has an owner (rte_eth_dev_owner_set()), for example fail-safe.
    [[nodiscard]] bool owned() const;
    /// Removes fail-safe's ownership of the port. DPDK 22.11: if the creation of a fail-safe port
    /// fails, the failed port keeps the ownership of its VF, and no other port can attach the VF.
    void release_from_failsafe() const;
    [[nodiscard]] bool started() const;
    /// Raises RTE_ETH_EVENT_INTR_RMV, at which fail-safe detaches the VF.
    void raise_removal() const;

    /// ethdev's port number.
    [[nodiscard]] std::uint16_t id() const { return port_; }

    /// Closes the VF's port, if it has one. Removes the PCI device from DPDK if the device has no
    /// other port.
    /// @return false if the port has an owner: then nothing changed
    static bool remove_unless_owned(const VfId &vf);

private:
    void remove() const;

    explicit VfPort(std::uint16_t port) : port_(port) {}
    std::uint16_t port_;
};

} // namespace netvsc
