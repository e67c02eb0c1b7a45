// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netlink/link_message.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace netvsc {

/// The IPv4 and IPv6 addresses of a netdevice. Any thread.
[[nodiscard]] Result<std::vector<InterfaceAddress>> interface_addresses(int ifindex);

/// Adds an address to its netdevice. Does nothing if the netdevice has it already. Needs
/// CAP_NET_ADMIN. Any thread; blocks while the kernel holds its rtnl lock.
[[nodiscard]] Result<void> add_address(const InterfaceAddress &address);

/// The reverse of text_of().
/// @return nullopt for what is no address with a prefix length; the ifindex is 0
[[nodiscard]] std::optional<InterfaceAddress> parse_interface_address(std::string_view text);

} // namespace netvsc
