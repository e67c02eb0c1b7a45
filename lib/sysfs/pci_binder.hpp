// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "sysfs/binding_journal.hpp"

#include <set>
#include <string>

namespace netvsc {

/// Binds PCI functions to other kernel drivers and restores their own. Records each bind in the
/// journal: if this process ends without restore(), a later one restores the function. Any thread;
/// see PciDriver for what the calls wait for.
class PciBinder {
public:
    /// @param journal  folder of the journal
    /// @param sysfs    where sysfs is mounted; another folder in tests
    explicit PciBinder(const std::string &journal = RecoveryJournal::default_folder,
                       std::string sysfs = "/sys")
        : journal_(journal, sysfs), sysfs_(std::move(sysfs)) {}

    /// Does nothing if the function is bound to @p driver already.
    /// @return failure(ENXIO) if the function does not exist; failure(EBUSY) if another process, or
    ///         another part of this one, has bound it; else as PciDriver::bind() and
    ///         BindingJournal::record()
    [[nodiscard]] Result<void> bind(const PciAddress &address, const std::string &driver);

    /// @return failure(ENOENT) if bind() has not bound the function, or it is restored already;
    ///         failure(ENXIO) if it no longer exists; else as PciDriver::restore(), and another
    ///         call tries again
    [[nodiscard]] Result<void> restore(const PciAddress &address);

private:
    Mutex mutex_;
    BindingJournal journal_;
    const std::string sysfs_;
    std::set<PciAddress> bound_ NETVSC_GUARDED_BY(mutex_);
};

} // namespace netvsc
