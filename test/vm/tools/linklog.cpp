// SPDX-License-Identifier: BSD-3-Clause
//
// Prints a line "<CLOCK_MONOTONIC in ns> <netdevice> <MAC address> [carrier]" for each RTM_NEWLINK,
// as soon as the kernel reports it: real-time priority, no requests of its own. Prints "ready"
// first.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sched.h>

#include <libmnl/libmnl.h>

namespace {

[[noreturn]] void fail(const char *what) {
    std::perror(what);
    std::exit(1);
}

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

struct Link {
    const char *name = "";
    std::array<unsigned char, 6> mac{};
};

int take_attribute(const nlattr *attribute, void *link) {
    auto &[name, mac] = *static_cast<Link *>(link);
    const auto *payload = static_cast<const unsigned char *>(mnl_attr_get_payload(attribute));
    if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
        name = mnl_attr_get_str(attribute);
    else if (mnl_attr_get_type(attribute) == IFLA_ADDRESS &&
             mnl_attr_get_payload_len(attribute) == mac.size())
        std::copy_n(payload, mac.size(), mac.begin());
    return MNL_CB_OK;
}

int print_link(const nlmsghdr *message, void *time) {
    if (message->nlmsg_type != RTM_NEWLINK)
        return MNL_CB_OK;
    Link link;
    if (mnl_attr_parse(message, sizeof(ifinfomsg), take_attribute, &link) < 0)
        return MNL_CB_ERROR;
    const auto &mac = link.mac;
    const auto *info = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
    std::printf("%lld %s %02x:%02x:%02x:%02x:%02x:%02x%s\n",
                static_cast<long long>(*static_cast<const std::int64_t *>(time)), link.name, mac[0],
                mac[1], mac[2], mac[3], mac[4], mac[5],
                (info->ifi_flags & IFF_LOWER_UP) != 0 ? " carrier" : "");
    return MNL_CB_OK;
}

} // namespace

int main() {
    const sched_param priority{.sched_priority = 50};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        fail("sched_setscheduler");
    mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
    if (socket == nullptr || mnl_socket_bind(socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) != 0)
        fail("netlink socket");
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    std::puts("ready");
    alignas(nlmsghdr) static std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t size = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        std::int64_t time = monotonic_ns();
        if (size < 0)
            fail("recvmsg");
        if (mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 0, 0, print_link, &time) < 0)
            fail("netlink message");
    }
}
