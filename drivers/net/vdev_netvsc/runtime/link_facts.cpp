// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/link_facts.hpp"

namespace netvsc {

// A VF is looked at while packets are waiting for it: what the kernel has said of it is not asked
// again.
std::optional<DeviceFacts> facts_of(const LinkMessage &message, const KnownFunctions &known) {
    const auto pci = PciAddress::parse(message.pci_parent);
    if (const auto id = pci ? known.find(*pci) : std::nullopt)
        return DeviceFacts{.pci = pci, .mana = *id == mana_id};
    auto found =
        pci ? Sysfs().pci_netdevice(*pci) : Sysfs().netdevice(message.name, message.ifindex);
    return found ? std::optional(*found) : std::nullopt;
}

} // namespace netvsc
