// SPDX-License-Identifier: BSD-3-Clause
#include "core/pci_event.hpp"

namespace netvsc {

std::optional<PciEvent> pci_event_of(const Uevent &event) {
    using Kind = PciEvent::Kind;
    if (event.subsystem != "pci" || !event.synthetic.empty())
        return std::nullopt;
    Kind kind{};
    if (event.action == "add")
        kind = Kind::added;
    else if (event.action == "unbind")
        kind = Kind::unbound;
    else if (event.action == "remove")
        kind = Kind::removed;
    else
        return std::nullopt;
    const auto address = PciAddress::parse(event.pci_slot_name);
    if (!address)
        return std::nullopt;
    return PciEvent{.address = *address, .kind = kind, .id = PciId::parse(event.pci_id)};
}

void KnownFunctions::take(const PciEvent &event) {
    if (event.kind == PciEvent::Kind::unbound)
        return;
    ids_.erase(event.address);
    if (event.kind == PciEvent::Kind::added && event.id)
        ids_.emplace(event.address, *event.id);
}

std::optional<PciId> KnownFunctions::find(const PciAddress &address) const {
    const auto found = ids_.find(address);
    return found != ids_.end() ? std::optional(found->second) : std::nullopt;
}

} // namespace netvsc
