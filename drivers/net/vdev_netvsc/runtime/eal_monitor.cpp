// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/eal_monitor.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <linux/netlink.h>
#include <sstream>
#include <vector>

namespace netvsc {
namespace {

// The columns of /proc/net/netlink: netlink_seq_show() in Linux's net/netlink/af_netlink.c.
std::vector<std::uint64_t> sockets_in_all_uevent_groups(const std::string &list) {
    std::vector<std::uint64_t> inodes;
    std::ifstream file(list);
    for (std::string line; std::getline(file, line);) {
        std::istringstream columns(line);
        std::string address, port, groups, skipped;
        int protocol = -1;
        std::uint64_t inode = 0;
        // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
        if (columns >> address >> protocol >> port >> groups >> skipped >> skipped >> skipped >>
                skipped >> skipped >> inode &&
            protocol == NETLINK_KOBJECT_UEVENT && groups == "ffffffff")
            inodes.push_back(inode);
    }
    return inodes;
}

} // namespace

bool EalMonitor::is_own_socket(std::uint64_t inode) const {
    const std::string wanted = "socket:[" + std::to_string(inode) + "]";
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator(proc_ + "/fd", error)) {
        if (std::filesystem::read_symlink(entry, error) == wanted)
            return true;
    }
    return false;
}

bool EalMonitor::runs() {
    std::map<std::uint64_t, bool> sockets;
    for (const std::uint64_t inode : sockets_in_all_uevent_groups(proc_ + "/net/netlink")) {
        const auto known = sockets_.find(inode);
        sockets[inode] = known != sockets_.end() ? known->second : is_own_socket(inode);
    }
    sockets_ = std::move(sockets);
    return std::ranges::any_of(sockets_, [](const auto &socket) { return socket.second; });
}

} // namespace netvsc
