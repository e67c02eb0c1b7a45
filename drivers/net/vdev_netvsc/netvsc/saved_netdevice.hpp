// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netvsc {

/// The settings of a netdevice that the driver restores after the netdevice was removed and created
/// again. Pure. The journal holds them as text.
struct SavedNetdevice {
    std::string name; ///< safe in device arguments: without spaces
    int mtu = 0;      ///< bytes, without the Ethernet header
    bool up = false;  ///< IFF_UP
    MacAddress mac;
    /// Without IPv6 link-local ones: the kernel adds these itself. The ifindex has no meaning.
    std::vector<InterfaceAddress> addresses;

    /// One line: "eth1 mtu=1500 up=1 mac=00:15:5d:00:00:01 address=10.0.0.4/24 ..."
    [[nodiscard]] std::string to_string() const;
    /// The reverse of to_string(). @return nullopt for any other text
    [[nodiscard]] static std::optional<SavedNetdevice> parse(std::string_view text);

    bool operator==(const SavedNetdevice &) const = default;
};

} // namespace netvsc
