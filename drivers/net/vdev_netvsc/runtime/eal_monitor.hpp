// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace netvsc {

/// Finds out whether EAL's device event monitor runs in this process
/// (rte_dev_event_monitor_start()). EAL has no function for that.
///
/// EAL's monitor has a uevent socket that joins all multicast groups. udev's library and this
/// driver join one group each. So this class searches the kernel's list of netlink
/// sockets for a socket with all groups. It searches the process's descriptors only for a socket
/// that it has not seen before. One thread at a time.
class EalMonitor {
public:
    /// @param proc  the process's folder in procfs; another folder in tests
    explicit EalMonitor(std::string proc = "/proc/self") : proc_(std::move(proc)) {}

    [[nodiscard]] bool runs();

private:
    [[nodiscard]] bool is_own_socket(std::uint64_t inode) const;

    const std::string proc_;
    /// The sockets in the last list, by inode, and whether they belong to this process.
    std::map<std::uint64_t, bool> sockets_;
};

} // namespace netvsc
