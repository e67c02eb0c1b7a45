// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct nlmsghdr;

namespace netvsc {

/// The driver marks its filters with this priority and this action cookie, so that any process can
/// recognise them. The number has no meaning.
inline constexpr std::uint32_t filter_priority = 0x7653;
inline constexpr std::string_view filter_cookie = "net_vdev_netvsc";

/// One filter of the kernel's traffic control (tc(8)), as RTM_NEWTFILTER describes it.
struct TrafficFilter {
    std::uint32_t handle = 0;
    std::uint32_t priority_and_protocol = 0; ///< tcmsg::tcm_info
    std::string kind;                        ///< "matchall", "flower", ...
    bool ours = false;                       ///< has the driver's priority and cookie
    bool dead = false;                       ///< redirects to a netdevice that was removed

    bool operator==(const TrafficFilter &) const = default;
};

/// Parses one message of a dump of filters.
/// @param message  complete (see is_complete_message())
/// @param ifindex  of the netdevice whose filters were requested
/// @return nullopt for another message type or netdevice, and for a classifier's own entry. A
///         filter whose options cannot be parsed is neither `ours` nor `dead`.
/// Sources: linux/rtnetlink.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h.
[[nodiscard]] std::optional<TrafficFilter> parse_filter(const nlmsghdr &message, int ifindex);

/// The attribute type within TCA_OPTIONS that holds a filter's actions.
/// @return nullopt for a classifier other than matchall and flower
[[nodiscard]] std::optional<std::uint16_t> actions_attribute(std::string_view kind);

} // namespace netvsc
