// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/link.hpp"
#include "netlink/mac_address.hpp"
#include "sysfs/pci_address.hpp"

#include <optional>

namespace netvsc {

/// Names a VF: a PCI function or, where one function has several VFs (MANA), its VF with this MAC
/// address.
struct VfId {
    // Implicit: for a function with one VF its address is enough.
    VfId(PciAddress function, std::optional<MacAddress> address = std::nullopt)
        : pci(function), mac(address) {}
    PciAddress pci;
    std::optional<MacAddress> mac;

    /// Both name the same VF. A missing MAC address matches any.
    [[nodiscard]] bool matches(const VfId &other) const {
        return pci == other.pci && (!mac || !other.mac || mac == other.mac);
    }
    auto operator<=>(const VfId &) const = default;
};

/// The VF of a netdevice. @pre link.may_be_vf()
///
/// One MANA function has several VFs. DPDK's driver distinguishes them by MAC address.
[[nodiscard]] inline VfId id_of(const Link &link) {
    return {*link.facts.pci, link.facts.mana ? link.message.mac : std::nullopt};
}

} // namespace netvsc
