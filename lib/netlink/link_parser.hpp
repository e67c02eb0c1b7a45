// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"

#include <linux/netlink.h>
#include <optional>

namespace netvsc {

/// Parses one rtnetlink message: RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR.
///
/// @param message    complete (see is_complete_message())
/// @param malformed  set to true for a malformed message, else to false
/// @return nullopt for a malformed message, for another message type or address family, and for a
///         bridge's message about its port (family AF_BRIDGE)
/// Source of the format: rtnetlink(7), linux/if_link.h, linux/if_addr.h.
[[nodiscard]] std::optional<NetlinkEvent> parse_rtnetlink(const nlmsghdr *message, bool &malformed);

} // namespace netvsc
