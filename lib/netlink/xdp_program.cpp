// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/xdp_program.hpp"

#include "netlink/netlink_attributes.hpp"
#include "netlink/netlink_exchange.hpp"
#include "netlink/netlink_request.hpp"

#include <algorithm>
#include <iterator>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

using LinkRequest = NetlinkRequest<ifinfomsg>;

LinkRequest request_of(int ifindex, std::uint16_t type) {
    LinkRequest request(type, NLM_F_ACK);
    request.family_header().ifi_index = ifindex;
    return request;
}

Result<NetlinkExchange> open(int ifindex) {
    return NetlinkExchange::open(NETLINK_ROUTE,
                                 "XDP program of netdevice " + std::to_string(ifindex));
}

constexpr AttributePolicy xdp_policy[] = {
    {.type = IFLA_XDP_SKB_PROG_ID, .kind = AttributeKind::u32, .nested = {}},
    {.type = IFLA_XDP_DRV_PROG_ID, .kind = AttributeKind::u32, .nested = {}},
    {.type = IFLA_XDP_HW_PROG_ID, .kind = AttributeKind::u32, .nested = {}},
};
constexpr AttributePolicy link_policy[] = {
    {.type = IFLA_XDP, .kind = AttributeKind::nested, .nested = xdp_policy},
};

constexpr std::pair<std::uint16_t, std::uint32_t> modes[] = {
    {IFLA_XDP_SKB_PROG_ID, XDP_FLAGS_SKB_MODE},
    {IFLA_XDP_DRV_PROG_ID, XDP_FLAGS_DRV_MODE},
    {IFLA_XDP_HW_PROG_ID, XDP_FLAGS_HW_MODE},
};

std::vector<XdpProgram> read_programs(const nlmsghdr &message) {
    std::vector<XdpProgram> programs;
    if (message.nlmsg_type != RTM_NEWLINK ||
        mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
        return programs;
    const auto link = NetlinkAttributes::parse(message, sizeof(ifinfomsg), link_policy);
    const auto xdp = link ? link->nested(IFLA_XDP) : std::nullopt;
    for (const auto &[attribute, mode] : modes) {
        if (const auto id = xdp ? xdp->u32(attribute) : std::nullopt)
            programs.push_back({.id = *id, .mode = mode});
    }
    return programs;
}

Result<void> set_program(int ifindex, std::int32_t descriptor, std::uint32_t mode) {
    const auto exchange = open(ifindex);
    if (!exchange)
        return std::unexpected(exchange.error());
    LinkRequest request = request_of(ifindex, RTM_SETLINK);
    request.put_nested(IFLA_XDP, [&] {
        request.put_value(IFLA_XDP_FD, descriptor);
        request.put_value(IFLA_XDP_FLAGS, mode);
    });
    return exchange->transact(request.header());
}

} // namespace

Result<std::vector<XdpProgram>> xdp_programs(int ifindex) {
    const auto exchange = open(ifindex);
    if (!exchange)
        return std::unexpected(exchange.error());
    LinkRequest request = request_of(ifindex, RTM_GETLINK);
    std::vector<XdpProgram> programs;
    auto answered = exchange->transact(request.header(), [&](const nlmsghdr &message) {
        std::ranges::move(read_programs(message), std::back_inserter(programs));
    });
    if (!answered)
        return std::unexpected(std::move(answered.error()));
    return programs;
}

Result<void> detach_xdp_program(int ifindex, const XdpProgram &program) {
    constexpr std::int32_t none = -1; // no descriptor: detach
    return set_program(ifindex, none, program.mode);
}

Result<void> attach_xdp_program(int ifindex, const FileDescriptor &program, std::uint32_t mode) {
    return set_program(ifindex, program.get(), mode);
}

Result<void> move_xdp_program(int ifindex, const XdpProgram &program, std::uint32_t mode) {
    bpf_attr wanted{};
    wanted.prog_id = program.id;
    const FileDescriptor held(
        static_cast<int>(::syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &wanted, sizeof wanted)));
    if (!held.valid())
        return system_error("XDP program " + std::to_string(program.id));
    // The kernel refuses a second mode while one has a program.
    if (auto detached = detach_xdp_program(ifindex, program); !detached)
        return detached;
    auto attached = attach_xdp_program(ifindex, held, mode);
    if (!attached)
        (void)attach_xdp_program(ifindex, held, program.mode);
    return attached;
}

} // namespace netvsc
