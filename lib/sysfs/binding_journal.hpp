// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/recovery_journal.hpp"
#include "sysfs/pci_address.hpp"

#include <string>
#include <vector>

namespace netvsc {

/// The PCI functions that this process has bound to another kernel driver and not yet restored
/// (see PciDriver). A later process restores those of one that was killed.
///
/// The name of an entry is the function's address, its text is the driver's name. An entry is valid
/// while the function has the driver and the driver_override of that binding, or no driver. It is
/// invalid after somebody else bound the function, or after another device took its address. Any
/// thread.
class BindingJournal {
public:
    /// @param folder  of the journal
    /// @param sysfs   where sysfs is mounted; another folder in tests
    explicit BindingJournal(std::string folder = RecoveryJournal::default_folder,
                            std::string sysfs = "/sys");

    /// Call this before PciDriver::bind().
    /// @return failure(EBUSY) if another running process has bound the function; else as
    ///         RecoveryJournal::record()
    [[nodiscard]] Result<void> record(const PciAddress &address, const std::string &driver);
    /// Call this after the function was restored or removed. Does nothing without an entry.
    void erase(const PciAddress &address);
    /// Call this when the function could not be restored: the next claim_abandoned(), of this or
    /// another process, returns it.
    void release(const PciAddress &address);
    /// Takes over the entries of processes that have ended, and the released ones. Erases those
    /// that are no longer valid.
    /// @return the functions that the caller must restore, then erase() or release()
    [[nodiscard]] std::vector<PciAddress> claim_abandoned();

private:
    [[nodiscard]] Result<bool> is_valid(const PciAddress &address, const std::string &driver) const;

    RecoveryJournal entries_;
    std::string sysfs_;
};

} // namespace netvsc
