// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/recovery_journal.hpp"
#include "core/xdp_changes.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace netvsc {

/// The journal entry of a netdevice that this process changes for AF_XDP. If the process is killed,
/// undo_xdp_changes() of the next one undoes the changes. The inode of the network namespace and
/// the ifindex identify the netdevice.
class XdpJournal {
public:
    explicit XdpJournal(int ifindex);

    /// To be called before the number of channels changes, and after a program was attached.
    /// @return failure(EBUSY) if another running process has an entry for the netdevice, else the
    ///         errors of RecoveryJournal::record()
    [[nodiscard]] Result<void> record(const XdpChanges &changes);
    /// Removes the entry. To be called when all changes are undone.
    void erase();

private:
    RecoveryJournal journal_;
    std::string name_;
};

/// Detaches those of these programs that are still attached to the netdevice, in any mode, and
/// removes libxdp's files of them in the BPF file system.
[[nodiscard]] Result<void> remove_xdp_programs(int ifindex, const std::set<std::uint32_t> &ids);

/// Undoes what processes that have ended left at the netdevices of this network namespace. Removes
/// the recorded XDP programs with libxdp's files, and restores the number of channels. Logs each
/// netdevice. An entry whose changes could not be undone stays in the journal.
void undo_xdp_changes();

} // namespace netvsc
