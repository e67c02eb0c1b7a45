// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/traffic_filter.hpp"

#include "netlink/netlink_attributes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

static_assert(filter_cookie.size() <= TC_COOKIE_MAX_SIZE);

// TCA_OPTIONS and TCA_ACT_OPTIONS are bytes here: their policy depends on TCA_KIND, TCA_ACT_KIND.
constexpr AttributePolicy filter_policy[] = {
    {.type = TCA_KIND, .kind = AttributeKind::string, .nested = {}},
    {.type = TCA_OPTIONS, .kind = AttributeKind::bytes, .nested = {}},
};
constexpr AttributePolicy action_policy[] = {
    {.type = TCA_ACT_KIND, .kind = AttributeKind::string, .nested = {}},
    {.type = TCA_ACT_COOKIE, .kind = AttributeKind::bytes, .nested = {}},
    {.type = TCA_ACT_OPTIONS, .kind = AttributeKind::bytes, .nested = {}},
};
constexpr AttributePolicy mirred_policy[] = {
    {.type = TCA_MIRRED_PARMS, .kind = AttributeKind::bytes, .nested = {}},
};

bool has_cookie(const NetlinkAttributes &action) {
    const auto cookie = action.bytes(TCA_ACT_COOKIE);
    return cookie && std::ranges::equal(*cookie, std::as_bytes(std::span(filter_cookie)));
}

// The kernel reports ifindex 0 after the target was removed (act_mirred.c, mirred_device_event()).
bool redirects_nowhere(const NetlinkAttributes &action) {
    const auto options = action.bytes(TCA_ACT_OPTIONS);
    if (action.string(TCA_ACT_KIND) != "mirred" || !options)
        return false;
    const auto mirred = NetlinkAttributes::parse(*options, mirred_policy);
    const auto bytes = mirred ? mirred->bytes(TCA_MIRRED_PARMS) : std::nullopt;
    tc_mirred parameters{};
    if (!bytes || bytes->size() < sizeof parameters)
        return false;
    std::memcpy(&parameters, bytes->data(), sizeof parameters);
    return parameters.ifindex == 0;
}

void read_actions(const NetlinkAttributes &attributes, TrafficFilter &filter) {
    const auto options = attributes.bytes(TCA_OPTIONS);
    const auto actions = actions_attribute(filter.kind);
    if (!options || !actions)
        return;
    const AttributePolicy options_policy[] = {
        {.type = *actions, .kind = AttributeKind::array, .nested = action_policy}};
    const auto parsed = NetlinkAttributes::parse(*options, options_policy);
    if (!parsed)
        return;
    parsed->for_each_element(*actions, [&](const NetlinkAttributes &action) {
        filter.ours |= has_cookie(action);
        filter.dead |= redirects_nowhere(action);
    });
}

} // namespace

std::optional<std::uint16_t> actions_attribute(std::string_view kind) {
    if (kind == "matchall")
        return TCA_MATCHALL_ACT;
    if (kind == "flower")
        return TCA_FLOWER_ACT;
    return std::nullopt;
}

std::optional<TrafficFilter> parse_filter(const nlmsghdr &message, int ifindex) {
    tcmsg header{};
    if (message.nlmsg_type != RTM_NEWTFILTER || mnl_nlmsg_get_payload_len(&message) < sizeof header)
        return std::nullopt;
    std::memcpy(&header, mnl_nlmsg_get_payload(&message), sizeof header);
    // A classifier has an entry of its own, without a handle, beside those of its filters.
    if (header.tcm_ifindex != ifindex || header.tcm_handle == 0)
        return std::nullopt;
    TrafficFilter filter{
        .handle = header.tcm_handle, .priority_and_protocol = header.tcm_info, .kind = {}};
    if (const auto attributes = NetlinkAttributes::parse(message, sizeof header, filter_policy)) {
        filter.kind = attributes->string(TCA_KIND).value_or("");
        read_actions(*attributes, filter);
    }
    filter.ours &= header.tcm_info >> 16 == filter_priority;
    return filter;
}

} // namespace netvsc
