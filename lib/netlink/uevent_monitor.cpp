// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/uevent_monitor.hpp"

#include <linux/netlink.h>
#include <utility>

namespace netvsc {
namespace {

// The kernel sends to group 1, udev to group 2.
constexpr unsigned kernel_group = 1;

// Larger than any uevent: 2 KiB of variables (UEVENT_BUFFER_SIZE, linux/kobject.h) and the header.
constexpr std::size_t buffer_size = 8192;

} // namespace

UeventMonitor::UeventMonitor(NetlinkSocket socket)
    : socket_(std::move(socket)), buffer_(buffer_size) {}

Result<UeventMonitor> UeventMonitor::open(int receive_buffer) {
    auto socket = NetlinkSocket::open(NETLINK_KOBJECT_UEVENT, kernel_group, receive_buffer);
    if (!socket)
        return std::unexpected(std::move(socket.error()));
    return UeventMonitor(std::move(*socket));
}

Result<bool> UeventMonitor::read(const Sink &sink) {
    bool lost = false;
    const auto done = socket_.read(buffer_, [&](const auto &received) -> Result<void> {
        switch (received.kind) {
        case NetlinkSocket::Datagram::none:
            break;
        case NetlinkSocket::Datagram::overrun:
            ++counters_.overruns;
            lost = true;
            break;
        case NetlinkSocket::Datagram::truncated:
            lost = true;
            ++counters_.dropped;
            break;
        case NetlinkSocket::Datagram::foreign:
            ++counters_.dropped;
            break;
        case NetlinkSocket::Datagram::complete:
            if (const auto event = parse_uevent(received.bytes)) {
                ++counters_.messages;
                sink(*event);
            } else {
                ++counters_.dropped;
            }
            break;
        }
        return {};
    });
    if (!done)
        return std::unexpected(done.error());
    return lost;
}

} // namespace netvsc
