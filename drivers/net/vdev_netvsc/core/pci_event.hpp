// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/uevent.hpp"
#include "sysfs/pci_address.hpp"
#include "sysfs/pci_id.hpp"

#include <map>
#include <optional>

namespace netvsc {

/// A uevent about a PCI function. The kernel unbinds a function from its driver before it removes
/// the function. With a UIO driver the function no longer works from then on.
struct PciEvent {
    enum class Kind { added, unbound, removed };
    PciAddress address;
    Kind kind = Kind::added;
    std::optional<PciId> id; ///< if the uevent has it
};

/// @return nullopt for any other event, and for one that a user triggered
[[nodiscard]] std::optional<PciEvent> pci_event_of(const Uevent &event);

/// The ids of PCI functions that were added, from their uevents. Saves reads of sysfs while a VF's
/// traffic waits. Does not know functions that existed at start-up.
class KnownFunctions {
public:
    void take(const PciEvent &event);
    /// Uevents were lost: other functions may have the addresses by now.
    void forget() { ids_.clear(); }
    [[nodiscard]] std::optional<PciId> find(const PciAddress &address) const;

private:
    std::map<PciAddress, PciId> ids_;
};

} // namespace netvsc
