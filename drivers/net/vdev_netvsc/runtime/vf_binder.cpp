// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/vf_binder.hpp"

namespace netvsc {
namespace {

using Level = Message::Level;

} // namespace

std::optional<std::string> VfBinder::bind(const VfId &vf, const std::string &driver,
                                          Decision &decision) {
    if (devices_.kernel_driver(vf.pci) != driver)
        devices_.remove_unless_owned(vf);
    if (const auto noted = journal_.record(vf.pci, driver); !noted)
        decision.log(Level::warning,
                     "VF " + vf.pci.to_string() +
                         ": bind not recorded: " + noted.error().message() +
                         "; its kernel driver is not restored if this process is killed");
    auto refused = devices_.bind(vf.pci, driver);
    if (refused)
        journal_.erase(vf.pci);
    return refused;
}

void VfBinder::restore(const PciAddress &pci, Decision &decision) {
    if (devices_.exists(pci)) {
        if (const auto restored = devices_.restore_driver(pci); !restored) {
            decision.log(Level::error, "VF " + pci.to_string() + ": kernel driver not restored: " +
                                           restored.error().message() +
                                           "; the next instance retries");
            journal_.release(pci);
            return;
        }
    }
    journal_.erase(pci);
}

void VfBinder::forget_removed(const PciAddress &pci) {
    if (!devices_.exists(pci))
        journal_.erase(pci);
}

// EAL has scanned the PCI bus before and may have probed them.
Decision VfBinder::restore_abandoned() {
    Decision decision;
    for (const PciAddress &pci : journal_.claim_abandoned()) {
        if (devices_.use_of(pci) == Devices::VfPortUse::started ||
            !devices_.remove_unless_owned(pci))
            continue; // the application uses it as it is
        decision.log(Level::notice, "VF " + pci.to_string() +
                                        ": left bound by a process that ended; restoring its "
                                        "kernel driver");
        restore(pci, decision);
    }
    return decision;
}

} // namespace netvsc
