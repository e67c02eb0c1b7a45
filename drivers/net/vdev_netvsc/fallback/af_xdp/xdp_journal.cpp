// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/xdp_journal.hpp"

#include "base/parse_number.hpp"
#include "dpdk/log.hpp"
#include "netdev/netdevice_control.hpp"
#include "netlink/xdp_program.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <system_error>

namespace netvsc {
namespace {

// Of the entries for this network namespace.
std::string prefix() {
    struct stat status{};
    if (::stat("/proc/thread-self/ns/net", &status) != 0)
        return {};
    return "xdp-" + std::to_string(status.st_ino) + "-";
}

Result<void> undo(const NetdeviceControl &netdevice, const XdpChanges &left) {
    if (auto removed = remove_xdp_programs(netdevice.ifindex(), left.programs); !removed)
        return removed;
    if (!left.channels_before)
        return {};
    const auto channels = netdevice.channels();
    if (!channels)
        return std::unexpected(channels.error());
    if (channels->combined == *left.channels_before)
        return {};
    return netdevice.set_combined_channels(*left.channels_before);
}

// A netdevice that no longer exists needs no undoing.
bool undo_or_log(int ifindex, const XdpChanges &left) {
    const auto netdevice = NetdeviceControl::open(ifindex);
    const auto name = netdevice ? netdevice->name() : std::unexpected(netdevice.error());
    if (!name)
        return name.error().number == ENODEV;
    if (const auto done = undo(*netdevice, left); !done) {
        log(Message::Level::warning,
            *name + ": undoing the AF_XDP changes of a process that has ended failed: " +
                done.error().message() + "; the next instance retries");
        return false;
    }
    log(Message::Level::notice, *name +
                                    ": a process that used it by AF_XDP was killed; its changes "
                                    "are undone");
    return true;
}

} // namespace

XdpJournal::XdpJournal(int ifindex) : name_(prefix() + std::to_string(ifindex)) {}

Result<void> XdpJournal::record(const XdpChanges &changes) {
    return journal_.record(name_, changes.to_string());
}

void XdpJournal::erase() { journal_.erase(name_); }

Result<void> remove_xdp_programs(int ifindex, const std::set<std::uint32_t> &ids) {
    const auto programs = xdp_programs(ifindex);
    if (!programs)
        return std::unexpected(programs.error());
    for (const XdpProgram &program : *programs) {
        if (!ids.contains(program.id))
            continue;
        if (auto detached = detach_xdp_program(ifindex, program); !detached)
            return detached;
    }
    for (const std::uint32_t id : ids) {
        std::error_code ignored;
        std::filesystem::remove_all("/sys/fs/bpf/xdp/dispatch-" + std::to_string(ifindex) + "-" +
                                        std::to_string(id),
                                    ignored);
    }
    return {};
}

void undo_xdp_changes() {
    const std::string start = prefix();
    RecoveryJournal journal;
    for (const std::string &name : journal.names()) {
        if (start.empty() || !name.starts_with(start))
            continue;
        const auto ifindex = parse_number<int>(std::string_view(name).substr(start.size()));
        const auto text = ifindex ? journal.claim(name) : std::nullopt;
        if (!text)
            continue;
        if (undo_or_log(*ifindex, XdpChanges::parse(*text)))
            journal.erase(name);
        else
            journal.release(name);
    }
}

} // namespace netvsc
