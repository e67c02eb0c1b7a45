// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <rte_ethdev.h>
#include <rte_ether.h>

struct ifreq; // NOLINT(readability-identifier-naming): the kernel's name

namespace testvf {

/// The Ethernet netdevice that the kernel made of a PCI function.
/// @param pci_folder  the function's folder in sysfs
/// @return its name; nothing if there is none, or if it is a NetVSC
[[nodiscard]] std::optional<std::string> find_netdevice(const std::string &pci_folder);

/// A netdevice, held by its index: it may be renamed at any time.
class Netdevice {
public:
    [[nodiscard]] static netvsc::Result<Netdevice> open(const std::string &name);

    [[nodiscard]] unsigned index() const { return index_; }
    [[nodiscard]] netvsc::Result<rte_ether_addr> mac() const;
    /// Sets or clears IFF_UP.
    [[nodiscard]] netvsc::Result<void> set_up(bool up) const;
    [[nodiscard]] netvsc::Result<void> set_mtu(std::uint16_t mtu) const;
    /// Disables offloads by which the kernel merges received frames: a VF delivers the frames of
    /// the wire. Ignores a netdevice that has none of these offloads.
    void receive_frames_unmerged() const;
    /// Down if the netdevice was removed.
    [[nodiscard]] rte_eth_link link() const;

private:
    Netdevice(unsigned index, netvsc::FileDescriptor control)
        : index_(index), control_(std::move(control)) {}

    /// An ioctl with the netdevice's present name filled in.
    [[nodiscard]] netvsc::Result<void> request(unsigned long number, const char *name,
                                               ifreq &argument) const;

    unsigned index_;
    netvsc::FileDescriptor control_;
};

} // namespace testvf
