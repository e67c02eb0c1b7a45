// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/recovery_journal.hpp"
#include "core/xdp_changes.hpp"

#include <cstdint>
#include <string>

namespace netvsc {

/// The note of what this process has changed at a netdevice for AF_XDP: put_right_xdp() of the next
/// one does what this one cannot do if it is killed. A netdevice is known by its network namespace
/// and its index there.
class XdpNote {
public:
    explicit XdpNote(int ifindex);

    /// To be called before the number of channels is changed, and after a program was attached.
    /// @return failure(EBUSY) if another process that lives uses the netdevice so
    [[nodiscard]] Result<void> write(const XdpChanges &changes);
    /// All has been put right.
    void forget();

private:
    RecoveryJournal notes_;
    std::string name_;
};

/// libxdp keeps what belongs to a program it attached in the BPF file system, too.
void remove_libxdp_files(int ifindex, std::uint32_t program);

/// Puts right what processes that have ended have left at the netdevices of this network namespace:
/// the XDP program goes, if it is the one noted, with libxdp's files of it, and the number of
/// channels is what it was before. The log tells of each. What cannot be done stays noted.
void put_right_xdp();

} // namespace netvsc
