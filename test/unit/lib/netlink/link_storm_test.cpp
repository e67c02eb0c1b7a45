// SPDX-License-Identifier: BSD-3-Clause
//
// LinkMonitor in a storm of the kernel's link messages, with the smallest socket buffer of Linux.
// It never blocks, it finishes, and it then knows the present netdevices.
//
// NETVSC_STORM=n: number of requests that cause a notification (default 20000).

#include "common/namespace_test.hpp"
#include "netlink/link_monitor.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <map>
#include <poll.h>
#include <thread>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 60s; // only a failing test takes that long
constexpr int smallest_buffer = 1;

// Changes the flags of a netdevice repeatedly. Sends many requests in one system call.
class Storm {
public:
    explicit Storm(int ifindex) : ifindex_(ifindex), socket_(mnl_socket_open(NETLINK_ROUTE)) {
        EXPECT_NE(socket_, nullptr);
        EXPECT_EQ(mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID), 0);
    }
    Storm(const Storm &) = delete;
    Storm &operator=(const Storm &) = delete;
    ~Storm() { mnl_socket_close(socket_); }

    /// @return requests sent
    std::uint64_t blow(std::uint64_t requests) const {
        std::uint64_t sent = 0;
        while (sent < requests) {
            alignas(nlmsghdr) std::array<char, 4096> buffer{};
            std::size_t size = 0;
            for (int i = 0; i < 64; ++i, ++sent) {
                nlmsghdr *request = mnl_nlmsg_put_header(buffer.data() + size);
                request->nlmsg_type = RTM_NEWLINK;
                request->nlmsg_flags = NLM_F_REQUEST;
                auto *link = static_cast<ifinfomsg *>(
                    mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
                link->ifi_index = ifindex_;
                link->ifi_change = IFF_ALLMULTI;
                link->ifi_flags = sent % 2 == 0 ? unsigned{IFF_ALLMULTI} : 0U;
                size += request->nlmsg_len;
            }
            if (mnl_socket_sendto(socket_, buffer.data(), size) < 0)
                break;
        }
        return sent;
    }

private:
    int ifindex_;
    mnl_socket *socket_;
};

class LinkStorm : public NamespaceTest {
protected:
    LinkStorm() : NamespaceTest("ip link add storm0 type veth peer name storm1") {}
};

TEST_F(LinkStorm, EndsWithTheNetdevicesPresent) {
    const char *asked = std::getenv("NETVSC_STORM");
    const std::uint64_t requests = asked != nullptr ? std::strtoull(asked, nullptr, 0) : 20000;

    auto monitor = LinkMonitor::open(smallest_buffer);
    ASSERT_TRUE(monitor) << monitor.error().message();
    std::map<std::string, int> known;
    const auto sink = [&](const NetlinkEvent &event) {
        if (const auto *link = std::get_if<LinkMessage>(&event))
            known[link->name] = link->ifindex;
        else if (const auto *gone = std::get_if<LinkGone>(&event))
            std::erase_if(known, [&](const auto &entry) { return entry.second == gone->ifindex; });
        else if (std::holds_alternative<DumpBegin>(event))
            known.clear();
    };
    ASSERT_TRUE(monitor->read_until_dumped(sink, patience));
    ASSERT_TRUE(known.contains("storm0"));

    // Threads begin in the network namespace of their maker.
    std::atomic<std::uint64_t> sent = 0;
    std::atomic<bool> over = false;
    const std::jthread other([&, ifindex = known["storm0"]] {
        sent = Storm(ifindex).blow(requests);
        EXPECT_EQ(std::system("ip link add last0 type veth peer name last1"), 0);
        EXPECT_EQ(std::system("ip link delete storm0"), 0);
        over = true;
    });
    const auto until =
        std::chrono::steady_clock::now() + patience + std::chrono::microseconds(200 * requests);
    const auto settled = [&] {
        return over && known.contains("last0") && !known.contains("storm0");
    };
    while (!settled() && std::chrono::steady_clock::now() < until) {
        pollfd waited{.fd = monitor->fd(), .events = POLLIN, .revents = 0};
        if (::poll(&waited, 1, 10) > 0) {
            ASSERT_TRUE(monitor->read(sink));
        }
    }
    EXPECT_TRUE(settled());
    EXPECT_GE(sent.load(), requests);
    EXPECT_GT(monitor->counters().overruns, 0U) << "nothing was lost: no test";
    std::cout << sent << " requests, " << monitor->counters().messages << " messages read, "
              << monitor->counters().overruns << " overruns, " << monitor->counters().dumps
              << " listings\n";
}

} // namespace
} // namespace netvsc
