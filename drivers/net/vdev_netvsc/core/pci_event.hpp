// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/uevent.hpp"
#include "sysfs/pci_address.hpp"
#include "sysfs/pci_id.hpp"

#include <map>
#include <optional>

namespace netvsc {

/// What a uevent tells of a PCI device. One that is taken away is first unbound from its kernel
/// driver: with a UIO driver, which asks nobody, it works no more from then on.
struct PciEvent {
    enum class Kind { added, unbound, removed };
    PciAddress address;
    Kind kind = Kind::added;
    std::optional<PciId> id; ///< if the kernel told
};

/// @return nullopt for an event that is not about a PCI device's coming or going, or that somebody
///         asked for
[[nodiscard]] std::optional<PciEvent> pci_event_of(const Uevent &event);

/// What the functions that have come are, as the kernel's uevents said: a VF need not be looked at
/// in sysfs while packets wait for it. Knows nothing of those that were there before.
class KnownFunctions {
public:
    void take(const PciEvent &event);
    /// Uevents were lost: what is known may be of other functions by now.
    void forget() { ids_.clear(); }
    [[nodiscard]] std::optional<PciId> find(const PciAddress &address) const;

private:
    std::map<PciAddress, PciId> ids_;
};

} // namespace netvsc
