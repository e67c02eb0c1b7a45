// SPDX-License-Identifier: BSD-3-Clause
//
// usage: linkstorm <netdevice> <count>
// Changes the netdevice's MTU this number of times, as fast as the kernel can. The kernel notifies
// all listeners of each change.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <libmnl/libmnl.h>

namespace {

constexpr unsigned batch = 100; // changes in one datagram
constexpr std::array<unsigned, 2> mtus{1400, 1500};

} // namespace

int main(int count, char **arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: linkstorm <netdevice> <count>\n");
        return 2;
    }
    const unsigned index = if_nametoindex(arguments[1]);
    mnl_socket *const socket = mnl_socket_open(NETLINK_ROUTE);
    if (index == 0 || socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) {
        std::perror("linkstorm");
        return 1;
    }
    alignas(nlmsghdr) std::array<char, batch * 64> buffer{};
    std::array<char, 8192> answer{};
    for (unsigned long left = std::strtoul(arguments[2], nullptr, 10), done = 0; left > 0;) {
        const auto now = std::min<unsigned long>(left, batch);
        char *end = buffer.data();
        for (unsigned long i = 0; i < now; ++i, ++done) {
            nlmsghdr *const change = mnl_nlmsg_put_header(end);
            change->nlmsg_type = RTM_NEWLINK;
            change->nlmsg_flags = NLM_F_REQUEST;
            if (i + 1 == now)
                change->nlmsg_flags |= NLM_F_ACK;
            auto *const about =
                static_cast<ifinfomsg *>(mnl_nlmsg_put_extra_header(change, sizeof(ifinfomsg)));
            about->ifi_index = static_cast<int>(index);
            mnl_attr_put_u32(change, IFLA_MTU, mtus[done % mtus.size()]);
            end += change->nlmsg_len;
        }
        const auto length = static_cast<std::size_t>(end - buffer.data());
        if (mnl_socket_sendto(socket, buffer.data(), length) < 0) {
            std::perror("linkstorm: send");
            return 1;
        }
        const auto size = mnl_socket_recvfrom(socket, answer.data(), answer.size());
        if (size < 0 || mnl_cb_run(answer.data(), static_cast<std::size_t>(size), 0,
                                   mnl_socket_get_portid(socket), nullptr, nullptr) < 0) {
            std::perror("linkstorm: the kernel");
            return 1;
        }
        left -= now;
    }
    mnl_socket_close(socket);
    return 0;
}
