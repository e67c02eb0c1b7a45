// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/devices.hpp"
#include "sysfs/binding_journal.hpp"

namespace netvsc {

/// Binds VFs to the kernel driver that vf_bind= names, and restores their own driver. Records each
/// bind in a journal on disk, so that the next process can restore what a killed one left bound.
/// Any thread.
class VfBinder {
public:
    /// @param devices  must outlive this object
    /// @param journal  must outlive this object
    VfBinder(Devices &devices, BindingJournal &journal) : devices_(devices), journal_(journal) {}

    /// Binds a VF. Removes its port from DPDK first, if EAL probed it at start-up by another
    /// driver. Needs Devices::lock_hot_plug().
    /// @param decision  receives warnings
    /// @return an error message for the user; nullopt: the VF is bound
    [[nodiscard]] std::optional<std::string> bind(const VfId &vf, const std::string &driver,
                                                  Decision &decision);
    /// Restores a function's kernel driver. If that fails, the journal keeps the function for
    /// restore_abandoned().
    /// @param decision  receives the error
    void restore(const PciAddress &pci, Decision &decision);
    /// The function at this address was removed. If another device has the address by now, that
    /// one may be bound: the journal keeps it.
    void forget_removed(const PciAddress &pci);

    /// Restores the functions that a killed process left bound, and those whose restore() failed.
    /// Skips functions that the application uses. @return messages
    [[nodiscard]] Decision restore_abandoned();

private:
    Devices &devices_;
    BindingJournal &journal_;
};

} // namespace netvsc
