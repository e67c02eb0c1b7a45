// SPDX-License-Identifier: BSD-3-Clause
//
// What the driver does after lost notifications, timed: a listing of all netdevices and addresses
// through its own monitor, sysfs reader and core. Beside it a bare listing of the netdevices, whose
// messages are only received.
//
// usage: resync ROUNDS     prints "driver_ms bare_ms netdevices", one line for each round
#include "base/overloaded.hpp"
#include "core/supervisor.hpp"
#include "netlink/link_monitor.hpp"
#include "runtime/link_facts.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <linux/rtnetlink.h>
#include <memory>

#include <libmnl/libmnl.h>

namespace {

using namespace netvsc;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string &what) {
    std::cerr << "resync: " << what << '\n';
    std::exit(1);
}

double milliseconds_since(Clock::time_point began) {
    return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

/// As Driver::take() does it.
void take(Supervisor &supervisor, const NetlinkEvent &event) {
    std::visit(Overloaded{
                   [&](const LinkMessage &message) {
                       std::optional<DeviceFacts> facts;
                       if (supervisor.wants_facts(message))
                           facts = facts_of(message, KnownFunctions());
                       (void)supervisor.link(message, facts);
                   },
                   [&](const LinkGone &gone) { (void)supervisor.link_gone(gone.ifindex); },
                   [&](const AddressMessage &message) { (void)supervisor.address(message, {}); },
                   [&](DumpBegin) { supervisor.begin_listing(); },
                   [&](DumpDone) { (void)supervisor.end_listing({}); },
               },
               event);
}

/// A listing that was asked for, to its end.
void finish_listing(LinkMonitor &monitor, Supervisor &supervisor) {
    const auto sink = [&](const NetlinkEvent &event) { take(supervisor, event); };
    if (auto listed = monitor.read_until_dumped(sink, 60s); !listed)
        fail(listed.error().message());
}

/// The same request as the monitor's. The messages are counted, not parsed.
void bare_listing() {
    const std::unique_ptr<mnl_socket, decltype(&mnl_socket_close)> socket(
        mnl_socket_open(NETLINK_ROUTE), &mnl_socket_close);
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0)
        fail("no netlink socket");
    static std::array<char, 32768> buffer;
    nlmsghdr *request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = 1;
    mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0)
        fail("sendto");
    int left = MNL_CB_OK;
    while (left > MNL_CB_STOP) {
        const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
        if (size < 0)
            fail("recvmsg");
        left = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1,
                          mnl_socket_get_portid(socket.get()), nullptr, nullptr);
    }
    if (left < 0)
        fail("netlink listing");
}

} // namespace

int main(int count, char **arguments) {
    const int rounds = count == 2 ? std::atoi(arguments[1]) : 0;
    if (rounds <= 0)
        fail("usage: resync ROUNDS");
    auto monitor = LinkMonitor::open();
    if (!monitor)
        fail(monitor.error().message());
    Supervisor supervisor;
    finish_listing(*monitor, supervisor); // the first one, at which everything is new
    for (int round = 0; round < rounds; ++round) {
        auto began = Clock::now();
        if (auto asked = monitor->request_dump(); !asked)
            fail(asked.error().message());
        finish_listing(*monitor, supervisor);
        const double driver = milliseconds_since(began);
        began = Clock::now();
        bare_listing();
        std::printf("%.3f %.3f %zu\n", driver, milliseconds_since(began),
                    supervisor.links().size());
    }
}
