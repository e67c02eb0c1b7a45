// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/recovery_journal.hpp"
#include "sysfs/pci_address.hpp"

#include <string>
#include <vector>

namespace netvsc {

/// Which PCI functions this process has bound to another kernel driver, and not given back yet.
///
/// The note of one is named by its address and holds the driver's name. It counts only while the
/// function has the driver and the driver_override that the binding gave it, or no driver: not if
/// it was bound anew by somebody else, nor if another device has come to the address. Any thread.
class BoundFunctions {
public:
    /// @param folder  of the notes
    /// @param sysfs   where sysfs is mounted; another folder in tests
    explicit BoundFunctions(std::string folder = RecoveryJournal::default_folder,
                            std::string sysfs = "/sys");

    /// To be called before the function is bound to @p driver.
    /// @return failure(EBUSY) if another process that lives has noted it
    [[nodiscard]] Result<void> note(const PciAddress &address, const std::string &driver);
    /// The function has been given back, or is gone. Nothing if it was not noted.
    void forget(const PciAddress &address);
    /// It could not be given back: the next abandoned(), of this or another process, finds it.
    void abandon(const PciAddress &address);
    /// Takes over the notes of processes that have ended, and those of abandon().
    /// @return the functions they left bound, or without any driver: to be given back, and
    ///         forgotten then
    [[nodiscard]] std::vector<PciAddress> abandoned();

private:
    [[nodiscard]] Result<bool> is_left_by(const PciAddress &address,
                                          const std::string &driver) const;

    RecoveryJournal notes_;
    std::string sysfs_;
};

} // namespace netvsc
