// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"

#include <linux/netlink.h>
#include <optional>

namespace netvsc {

/// Reads one rtnetlink message: RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR.
///
/// @param message  complete message; `nlmsg_len` bytes are readable (is_complete_message() has
/// held)
/// @return the event; nullopt for a message of another type, of a bridge port's or another
///         family's view of a link, or malformed in any way. @p malformed tells the latter.
/// Source of the format: rtnetlink(7), linux/if_link.h, linux/if_addr.h.
[[nodiscard]] std::optional<NetlinkEvent> parse_rtnetlink(const nlmsghdr *message, bool &malformed);

} // namespace netvsc
