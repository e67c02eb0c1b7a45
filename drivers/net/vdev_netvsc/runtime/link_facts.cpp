// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/link_facts.hpp"

namespace netvsc {

// Traffic waits for a VF's announcement. So nothing that the kernel has already sent is read again.
std::optional<DeviceFacts> facts_of(const LinkMessage &message, const KnownFunctions &known) {
    const auto pci = PciAddress::parse(message.pci_parent);
    if (const auto id = pci ? known.find(*pci) : std::nullopt)
        return DeviceFacts{.pci = pci, .mana = *id == mana_id};
    auto found =
        pci ? Sysfs().pci_netdevice(*pci) : Sysfs().netdevice(message.name, message.ifindex);
    return found ? std::optional(*found) : std::nullopt;
}

} // namespace netvsc
