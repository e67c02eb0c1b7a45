// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/traffic_control.hpp"

#include "netlink/netlink_request.hpp"
#include "netlink/traffic_filter.hpp"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_skbedit.h>
#include <netinet/in.h>
#include <string_view>
#include <utility>
#include <vector>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

constexpr std::uint32_t ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

using Request = NetlinkRequest<tcmsg>;

Request request_at(int ifindex, std::uint16_t type, std::uint16_t flags) {
    Request request(type, flags);
    request.family_header().tcm_family = AF_UNSPEC;
    request.family_header().tcm_ifindex = ifindex;
    return request;
}

Request filter_request(std::uint16_t type, std::uint16_t flags, int ifindex,
                       const std::string &kind) {
    Request request = request_at(ifindex, type, flags);
    request.family_header().tcm_parent = ingress;
    request.family_header().tcm_info = TC_H_MAKE(filter_priority << 16, htons(ETH_P_ALL));
    request.put_string(TCA_KIND, kind);
    return request;
}

/// A filter that applies one action to each frame. fill() puts the action's options.
template <typename Fill> Request matchall_request(int at, const char *action, Fill fill) {
    auto filter =
        filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, "matchall");
    filter.put_nested(TCA_OPTIONS, [&] {
        filter.put_nested(TCA_MATCHALL_ACT, [&] {
            filter.put_nested(1, [&] {
                filter.put_string(TCA_ACT_KIND, action);
                filter.put_bytes(TCA_ACT_COOKIE, filter_cookie);
                filter.put_nested(TCA_ACT_OPTIONS, [&] { fill(filter); });
            });
        });
    });
    return filter;
}

// ENOENT: the kernel has no such kind, and no module for it.
Result<bool> is_supported(const Result<void> &outcome) {
    if (outcome || (outcome.error().number != ENOENT && outcome.error().number != EPERM))
        return true; // refused for another reason, so the kind is known
    if (outcome.error().number == ENOENT)
        return false;
    return std::unexpected(outcome.error());
}

} // namespace

Result<TrafficControl> TrafficControl::open() {
    auto exchange = NetlinkExchange::open(NETLINK_ROUTE, "traffic control");
    if (!exchange)
        return std::unexpected(std::move(exchange.error()));
    return TrafficControl(std::move(*exchange));
}

namespace {

Request new_discipline(int at, const std::string &kind, std::uint32_t parent) {
    Request request = request_at(at, RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    request.family_header().tcm_parent = parent;
    request.family_header().tcm_handle = parent == TC_H_CLSACT ? TC_H_MAKE(TC_H_CLSACT, 0) : 0;
    request.put_string(TCA_KIND, kind);
    return request;
}

} // namespace

Result<void> TrafficControl::redirect(int from, int to) const {
    const std::string where =
        "redirect netdevice " + std::to_string(from) + " to " + std::to_string(to);
    const auto at = [&](Result<void> result, const char *what) {
        if (!result)
            result.error().context = where + ": " + what;
        return result;
    };
    if (auto removed = remove_redirect(from); !removed)
        return removed;
    // EEXIST: the netdevice has a clsact or ingress discipline already; either one serves.
    auto discipline = new_discipline(from, "clsact", TC_H_CLSACT);
    if (auto made = at(exchange_.transact(discipline.header()), "qdisc clsact");
        !made && made.error().number != EEXIST)
        return made;
    auto filter = matchall_request(from, "mirred", [&](Request &action) {
        tc_mirred parameters{};
        parameters.action = TC_ACT_STOLEN;
        parameters.eaction = TCA_EGRESS_REDIR;
        parameters.ifindex = static_cast<std::uint32_t>(to);
        action.put_value(TCA_MIRRED_PARMS, parameters);
    });
    return at(exchange_.transact(filter.header()), "filter matchall with action mirred");
}

Result<void> TrafficControl::spread(int at, std::uint16_t queues) const {
    auto discipline = new_discipline(at, "clsact", TC_H_CLSACT);
    auto made = remove_discipline(at);
    if (made)
        made = exchange_.transact(discipline.header());
    if (made) {
        auto filter = matchall_request(at, "skbedit", [&](Request &action) {
            tc_skbedit parameters{};
            parameters.action = TC_ACT_PIPE;
            action.put_value(TCA_SKBEDIT_PARMS, parameters);
            action.put_value(TCA_SKBEDIT_QUEUE_MAPPING, std::uint16_t{0});
            action.put_value(TCA_SKBEDIT_QUEUE_MAPPING_MAX, static_cast<std::uint16_t>(queues - 1));
            action.put_value(TCA_SKBEDIT_FLAGS, std::uint64_t{SKBEDIT_F_TXQ_SKBHASH});
        });
        filter.family_header().tcm_parent = egress;
        made = exchange_.transact(filter.header());
    }
    if (!made)
        made.error().context = "spread what netdevice " + std::to_string(at) + " sends over " +
                               std::to_string(queues) + " queues";
    return made;
}

Result<void> TrafficControl::remove_redirect(int from) const {
    auto removed = remove_if(from, [](const TrafficFilter &filter) { return filter.ours; });
    return removed ? Result<void>{} : std::unexpected(std::move(removed.error()));
}

Result<int> TrafficControl::remove_dead_redirects(int from) const {
    return remove_if(from, [](const TrafficFilter &filter) { return filter.dead; });
}

Result<int>
TrafficControl::remove_if(int from,
                          const std::function<bool(const TrafficFilter &)> &unwanted) const {
    const auto in_context = [&](Error error) {
        error.context = "filters of netdevice " + std::to_string(from);
        return std::unexpected(std::move(error));
    };
    std::vector<TrafficFilter> filters;
    Request dump = request_at(from, RTM_GETTFILTER, NLM_F_DUMP);
    dump.family_header().tcm_parent = ingress;
    auto dumped = exchange_.transact(dump.header(), [&](const nlmsghdr &message) {
        if (auto filter = parse_filter(message, from))
            filters.push_back(std::move(*filter));
    });
    if (!dumped) {
        // EINVAL: the netdevice has no queueing discipline that could hold filters.
        return dumped.error().number == EINVAL ? Result<int>(0) : in_context(dumped.error());
    }
    int removed = 0;
    for (const TrafficFilter &filter : filters) {
        if (!unwanted(filter))
            continue;
        auto removal = filter_request(RTM_DELTFILTER, NLM_F_ACK, from, filter.kind);
        removal.family_header().tcm_info = filter.priority_and_protocol;
        removal.family_header().tcm_handle = filter.handle;
        if (auto done = exchange_.transact(removal.header());
            !done && done.error().number != ENOENT)
            return in_context(done.error());
        ++removed;
    }
    if (removed > 0 && removed == static_cast<int>(filters.size())) {
        if (auto done = remove_discipline(from); !done)
            return in_context(done.error());
    }
    return removed;
}

// Removes clsact or ingress with all its filters.
Result<void> TrafficControl::remove_discipline(int at) const {
    Request discipline = request_at(at, RTM_DELQDISC, NLM_F_ACK);
    discipline.family_header().tcm_parent = TC_H_CLSACT;
    auto done = exchange_.transact(discipline.header());
    if (!done && (done.error().number == ENOENT || done.error().number == EINVAL))
        return {}; // the netdevice has none
    return done;
}

Result<bool> TrafficControl::has_discipline(int at, const std::string &kind) const {
    const bool at_ingress = kind == "ingress" || kind == "clsact";
    auto request = new_discipline(at, kind, at_ingress ? TC_H_CLSACT : TC_H_ROOT);
    return is_supported(exchange_.transact(request.header()));
}

Result<bool> TrafficControl::has_classifier(int at, const std::string &kind) const {
    auto request = filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, kind);
    return is_supported(exchange_.transact(request.header()));
}

Result<bool> TrafficControl::has_action(int at, const std::string &classifier,
                                        const std::string &kind) const {
    const auto actions = actions_attribute(classifier);
    if (!actions)
        return failure(EINVAL, "actions of classifier " + classifier);
    auto request =
        filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, classifier);
    request.put_nested(TCA_OPTIONS, [&] {
        request.put_nested(*actions, [&] {
            request.put_nested(1, [&] { request.put_string(TCA_ACT_KIND, kind); });
        });
    });
    return is_supported(exchange_.transact(request.header()));
}

} // namespace netvsc
