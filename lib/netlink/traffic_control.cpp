// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/traffic_control.hpp"

#include <array>
#include <cstddef>
#include <cstring>
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

// What our filters are known by. The number has no meaning.
constexpr std::uint32_t priority = 0x7653;
constexpr std::string_view cookie = "net_vdev_netvsc";
static_assert(cookie.size() <= TC_COOKIE_MAX_SIZE);

constexpr std::uint32_t ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

/// A request that is being built.
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags, int ifindex) {
        header_ = mnl_nlmsg_put_header(buffer_.data());
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        about_ = static_cast<tcmsg *>(mnl_nlmsg_put_extra_header(header_, sizeof(tcmsg)));
        about_->tcm_family = AF_UNSPEC;
        about_->tcm_ifindex = ifindex;
    }
    [[nodiscard]] tcmsg &about() { return *about_; }
    [[nodiscard]] nlmsghdr &header() { return *header_; }
    void put(std::uint16_t type, const std::string &text) {
        mnl_attr_put_strz(header_, type, text.c_str());
    }
    void put_bytes(std::uint16_t type, std::string_view bytes) {
        mnl_attr_put(header_, type, bytes.size(), bytes.data());
    }
    template <typename T> void put_value(std::uint16_t type, const T &value) {
        mnl_attr_put(header_, type, sizeof value, &value);
    }
    template <typename Fill> void nest(std::uint16_t type, Fill fill) {
        nlattr *start = mnl_attr_nest_start(header_, type);
        fill();
        mnl_attr_nest_end(header_, start);
    }

private:
    alignas(nlmsghdr) std::array<char, 1024> buffer_{};
    nlmsghdr *header_;
    tcmsg *about_;
};

Request filter_request(std::uint16_t type, std::uint16_t flags, int ifindex,
                       const std::string &kind) {
    Request request(type, flags, ifindex);
    request.about().tcm_parent = ingress;
    request.about().tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL));
    request.put(TCA_KIND, kind);
    return request;
}

/// A filter that does one thing to every frame. fill() puts the action's own options.
template <typename Fill> Request matchall_request(int at, const char *action, Fill fill) {
    auto filter =
        filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, "matchall");
    filter.nest(TCA_OPTIONS, [&] {
        filter.nest(TCA_MATCHALL_ACT, [&] {
            filter.nest(1, [&] {
                filter.put(TCA_ACT_KIND, action);
                filter.put_bytes(TCA_ACT_COOKIE, cookie);
                filter.nest(TCA_ACT_OPTIONS, [&] { fill(filter); });
            });
        });
    });
    return filter;
}

// Calls see(type, attribute) for each attribute in [first, end).
template <typename See> void attributes(const nlattr *first, const char *end, See see) {
    for (const nlattr *attribute = first;
         mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char *>(attribute)));
         attribute = mnl_attr_next(attribute))
        see(mnl_attr_get_type(attribute), *attribute);
}

template <typename See> void nested(const nlattr &attribute, See see) {
    const auto *payload = static_cast<const char *>(mnl_attr_get_payload(&attribute));
    attributes(reinterpret_cast<const nlattr *>(payload),
               payload + mnl_attr_get_payload_len(&attribute), see);
}

std::string_view bytes(const nlattr &attribute) {
    return {static_cast<const char *>(mnl_attr_get_payload(&attribute)),
            mnl_attr_get_payload_len(&attribute)};
}

std::string_view text(const nlattr &attribute) {
    const std::string_view all = bytes(attribute);
    return all.substr(0, all.find('\0'));
}

// What one action of a filter tells.
void read_action(const nlattr &action, bool &ours, bool &dead) {
    bool mirred = false, gone = false;
    nested(action, [&](int type, const nlattr &part) {
        if (type == TCA_ACT_KIND)
            mirred = text(part) == "mirred";
        else if (type == TCA_ACT_COOKIE)
            ours = ours || bytes(part) == cookie;
        else if (type == TCA_ACT_OPTIONS)
            nested(part, [&](int option, const nlattr &value) {
                tc_mirred parameters{};
                if (option != TCA_MIRRED_PARMS || bytes(value).size() < sizeof parameters)
                    return;
                std::memcpy(&parameters, bytes(value).data(), sizeof parameters);
                gone = parameters.ifindex == 0;
            });
    });
    dead = dead || (mirred && gone);
}

int actions_attribute(const std::string &kind) {
    return kind == "matchall" ? int{TCA_MATCHALL_ACT} : kind == "flower" ? int{TCA_FLOWER_ACT} : -1;
}

// The kernel knows no such kind, and has no module for it.
Result<bool> known(const Result<void> &outcome) {
    if (outcome || (outcome.error().number != ENOENT && outcome.error().number != EPERM))
        return true; // it objects to something else
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
    Request request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at);
    request.about().tcm_parent = parent;
    request.about().tcm_handle = parent == TC_H_CLSACT ? TC_H_MAKE(TC_H_CLSACT, 0) : 0;
    request.put(TCA_KIND, kind);
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
    // One that is there already, clsact or ingress, whoever made it, will do.
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
        filter.about().tcm_parent = egress;
        made = exchange_.transact(filter.header());
    }
    if (!made)
        made.error().context = "spread what netdevice " + std::to_string(at) + " sends over " +
                               std::to_string(queues) + " queues";
    return made;
}

Result<void> TrafficControl::remove_redirect(int from) const {
    auto removed = remove_if(from, [](const Filter &filter) { return filter.ours; });
    return removed ? Result<void>{} : std::unexpected(std::move(removed.error()));
}

Result<int> TrafficControl::remove_dead_redirects(int from) const {
    return remove_if(from, [](const Filter &filter) { return filter.dead; });
}

Result<int> TrafficControl::remove_if(int from,
                                      const std::function<bool(const Filter &)> &unwanted) const {
    const auto in_context = [&](Error error) {
        error.context = "filters of netdevice " + std::to_string(from);
        return std::unexpected(std::move(error));
    };
    std::vector<Filter> filters;
    Request listing(RTM_GETTFILTER, NLM_F_DUMP, from);
    listing.about().tcm_parent = ingress;
    auto listed = exchange_.transact(listing.header(), [&](const nlmsghdr &message) {
        if (message.nlmsg_type != RTM_NEWTFILTER ||
            mnl_nlmsg_get_payload_len(&message) < sizeof(tcmsg))
            return;
        tcmsg about{};
        std::memcpy(&about, mnl_nlmsg_get_payload(&message), sizeof about);
        if (about.tcm_ifindex != from || about.tcm_handle == 0)
            return; // a classifier's own entry, beside those of its filters
        Filter filter{
            .handle = about.tcm_handle, .priority_and_protocol = about.tcm_info, .kind = {}};
        const auto *first =
            static_cast<const nlattr *>(mnl_nlmsg_get_payload_offset(&message, sizeof(tcmsg)));
        const auto *end = static_cast<const char *>(mnl_nlmsg_get_payload_tail(&message));
        attributes(first, end, [&](int type, const nlattr &attribute) {
            if (type == TCA_KIND)
                filter.kind = text(attribute);
        });
        attributes(first, end, [&](int type, const nlattr &attribute) {
            if (type != TCA_OPTIONS)
                return;
            nested(attribute, [&](int option, const nlattr &list) {
                if (option != actions_attribute(filter.kind))
                    return;
                nested(list, [&](int /*order*/, const nlattr &action) {
                    read_action(action, filter.ours, filter.dead);
                });
            });
        });
        filter.ours = filter.ours && about.tcm_info >> 16 == priority;
        filters.push_back(std::move(filter));
    });
    if (!listed) {
        // EINVAL: there is no queueing discipline to hold any.
        return listed.error().number == EINVAL ? Result<int>(0) : in_context(listed.error());
    }
    int removed = 0;
    for (const Filter &filter : filters) {
        if (!unwanted(filter))
            continue;
        auto removal = filter_request(RTM_DELTFILTER, NLM_F_ACK, from, filter.kind);
        removal.about().tcm_info = filter.priority_and_protocol;
        removal.about().tcm_handle = filter.handle;
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

// clsact or ingress, with all filters in it.
Result<void> TrafficControl::remove_discipline(int at) const {
    Request discipline(RTM_DELQDISC, NLM_F_ACK, at);
    discipline.about().tcm_parent = TC_H_CLSACT;
    auto done = exchange_.transact(discipline.header());
    if (!done && (done.error().number == ENOENT || done.error().number == EINVAL))
        return {}; // there is none
    return done;
}

Result<bool> TrafficControl::has_discipline(int at, const std::string &kind) const {
    const bool of_ingress = kind == "ingress" || kind == "clsact";
    auto request = new_discipline(at, kind, of_ingress ? TC_H_CLSACT : TC_H_ROOT);
    return known(exchange_.transact(request.header()));
}

Result<bool> TrafficControl::has_classifier(int at, const std::string &kind) const {
    auto request = filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, kind);
    return known(exchange_.transact(request.header()));
}

Result<bool> TrafficControl::has_action(int at, const std::string &classifier,
                                        const std::string &kind) const {
    auto request =
        filter_request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, at, classifier);
    request.nest(TCA_OPTIONS, [&] {
        request.nest(static_cast<std::uint16_t>(actions_attribute(classifier)),
                     [&] { request.nest(1, [&] { request.put(TCA_ACT_KIND, kind); }); });
    });
    return known(exchange_.transact(request.header()));
}

} // namespace netvsc
