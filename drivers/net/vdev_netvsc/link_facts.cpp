// SPDX-License-Identifier: BSD-3-Clause
#include "link_facts.hpp"

namespace netvsc {

// A VF is looked at while packets are waiting for it: what the kernel's message says of it is not
// asked again.
std::optional<DeviceFacts> facts_of(const LinkMessage &message) {
    const auto pci = PciAddress::parse(message.pci_parent);
    auto found =
        pci ? Sysfs().pci_netdevice(*pci) : Sysfs().netdevice(message.name, message.ifindex);
    return found ? std::optional(*found) : std::nullopt;
}

} // namespace netvsc
