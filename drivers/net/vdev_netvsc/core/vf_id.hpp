// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/link.hpp"
#include "netlink/mac_address.hpp"
#include "sysfs/pci_address.hpp"

#include <optional>

namespace netvsc {

/// Which VF: a PCI function, or, where one function is several VFs (MANA), the one of them with
/// this MAC address.
struct VfId {
    // Implicit: a function that is one VF is told by its address.
    VfId(PciAddress function, std::optional<MacAddress> address = std::nullopt)
        : pci(function), mac(address) {}
    PciAddress pci;
    std::optional<MacAddress> mac;

    /// The two mean the same VF, as far as both tell.
    [[nodiscard]] bool matches(const VfId &other) const {
        return pci == other.pci && (!mac || !other.mac || mac == other.mac);
    }
    auto operator<=>(const VfId &) const = default;
};

/// Which VF a netdevice is. @pre link.may_be_vf()
///
/// MANA is one PCI function for several VFs, and its driver tells them apart by MAC address.
[[nodiscard]] inline VfId id_of(const Link &link) {
    return {*link.facts.pci, link.facts.mana ? link.message.mac : std::nullopt};
}

} // namespace netvsc
