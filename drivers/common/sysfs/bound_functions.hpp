// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "error.hpp"
#include "file_descriptor.hpp"
#include "pci_address.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace netvsc {

/// Which PCI functions this process has bound to another kernel driver, noted in files that
/// outlast it: one that is killed gives nothing back, so the next one does.
///
/// A note is a file named by the function's address that holds the driver's name. Who wrote it
/// has it locked as long as it lives. A note counts only while the function has the driver and the
/// driver_override that the binding gave it, or no driver: not if it was bound anew by somebody
/// else, nor if another device has come to the address.
///
/// The folder is made when it is needed, with mode 0700. One that others may write to, or that
/// belongs to another user, is not used. Any thread.
class BoundFunctions {
public:
    /// @param folder  where the notes are; on a file system that does not outlast the machine's run
    /// @param sysfs   where sysfs is mounted; another folder in tests
    explicit BoundFunctions(std::string folder = "/run/vdev_netvsc", std::string sysfs = "/sys");

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
    [[nodiscard]] Result<void> check_folder() const;
    [[nodiscard]] std::string path(const PciAddress &address) const;
    [[nodiscard]] Result<bool> is_left_by(const PciAddress &address,
                                          const std::string &driver) const;

    std::string folder_;
    std::string sysfs_;
    std::mutex mutex_;
    std::map<PciAddress, FileDescriptor> notes_; ///< locked
};

} // namespace netvsc
