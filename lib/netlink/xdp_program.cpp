// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/xdp_program.hpp"

#include "netlink/netlink_exchange.hpp"

#include <array>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string>
#include <utility>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

/// A request about one netdevice.
class LinkRequest {
public:
    LinkRequest(std::uint16_t type, int ifindex) : header_(mnl_nlmsg_put_header(buffer_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        auto *about =
            static_cast<ifinfomsg *>(mnl_nlmsg_put_extra_header(header_, sizeof(ifinfomsg)));
        about->ifi_index = ifindex;
    }
    [[nodiscard]] nlmsghdr &header() { return *header_; }

private:
    alignas(nlmsghdr) std::array<char, 256> buffer_{};
    nlmsghdr *header_;
};

Result<NetlinkExchange> open(int ifindex) {
    return NetlinkExchange::open(NETLINK_ROUTE,
                                 "XDP program of netdevice " + std::to_string(ifindex));
}

std::uint32_t mode_of(int attribute) {
    switch (attribute) {
    case IFLA_XDP_SKB_PROG_ID:
        return XDP_FLAGS_SKB_MODE;
    case IFLA_XDP_DRV_PROG_ID:
        return XDP_FLAGS_DRV_MODE;
    case IFLA_XDP_HW_PROG_ID:
        return XDP_FLAGS_HW_MODE;
    default:
        return 0;
    }
}

int read_program(const nlattr *attribute, void *programs) {
    const std::uint32_t mode = mode_of(mnl_attr_get_type(attribute));
    if (mode != 0 && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
        static_cast<std::vector<XdpProgram> *>(programs)->push_back(
            {.id = mnl_attr_get_u32(attribute), .mode = mode});
    return MNL_CB_OK;
}

int read_link(const nlattr *attribute, void *programs) {
    if (mnl_attr_get_type(attribute) == IFLA_XDP)
        mnl_attr_parse_nested(attribute, read_program, programs);
    return MNL_CB_OK;
}

} // namespace

Result<std::vector<XdpProgram>> xdp_programs(int ifindex) {
    const auto exchange = open(ifindex);
    if (!exchange)
        return std::unexpected(exchange.error());
    LinkRequest request(RTM_GETLINK, ifindex);
    std::vector<XdpProgram> programs;
    auto asked = exchange->transact(request.header(), [&](const nlmsghdr &message) {
        if (message.nlmsg_type == RTM_NEWLINK &&
            mnl_nlmsg_get_payload_len(&message) >= sizeof(ifinfomsg))
            mnl_attr_parse(&message, sizeof(ifinfomsg), read_link, &programs);
    });
    if (!asked)
        return std::unexpected(std::move(asked.error()));
    return programs;
}

Result<void> detach_xdp_program(int ifindex, const XdpProgram &program) {
    const auto exchange = open(ifindex);
    if (!exchange)
        return std::unexpected(exchange.error());
    LinkRequest request(RTM_SETLINK, ifindex);
    nlattr *xdp = mnl_attr_nest_start(&request.header(), IFLA_XDP);
    constexpr std::uint32_t none = UINT32_MAX; // a descriptor of -1
    mnl_attr_put_u32(&request.header(), IFLA_XDP_FD, none);
    mnl_attr_put_u32(&request.header(), IFLA_XDP_FLAGS, program.mode);
    mnl_attr_nest_end(&request.header(), xdp);
    return exchange->transact(request.header());
}

} // namespace netvsc
