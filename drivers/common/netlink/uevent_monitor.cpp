// SPDX-License-Identifier: BSD-3-Clause
#include "uevent_monitor.hpp"

#include <linux/netlink.h>
#include <utility>

namespace netvsc {
namespace {

// Group 1 is the kernel's; udev sends its own messages to group 2.
constexpr unsigned kernel_group = 1;

// More than the kernel's limit for one uevent: 2 KiB of variables (UEVENT_BUFFER_SIZE) and the
// header.
constexpr std::size_t buffer_size = 8192;

constexpr int datagrams_per_read = 64;

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
    bool overrun = false;
    bool truncated = false;
    bool more = true;
    for (int i = 0; i < datagrams_per_read && more; ++i) {
        auto received = socket_.receive(buffer_);
        if (!received)
            return std::unexpected(std::move(received.error()));
        switch (received->kind) {
        case NetlinkSocket::Datagram::none:
            more = false;
            break;
        case NetlinkSocket::Datagram::overrun:
            overrun = true;
            break;
        case NetlinkSocket::Datagram::truncated:
            truncated = true;
            ++counters_.dropped;
            break;
        case NetlinkSocket::Datagram::foreign:
            ++counters_.dropped;
            break;
        case NetlinkSocket::Datagram::whole:
            if (const auto event = parse_uevent(received->bytes)) {
                ++counters_.messages;
                sink(*event);
            } else {
                ++counters_.dropped;
            }
            break;
        }
    }
    const auto dropped = socket_.has_dropped();
    if (!dropped)
        return std::unexpected(dropped.error());
    if (overrun || *dropped)
        ++counters_.overruns;
    return overrun || *dropped || truncated;
}

} // namespace netvsc
