// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/mac_address.hpp"

#include "base/parse_number.hpp"

#include <cstdio>

namespace netvsc {

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    MacAddress mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const std::size_t colon = text.find(':');
        const bool last = i + 1 == mac.bytes.size();
        if (last != (colon == std::string_view::npos))
            return std::nullopt;
        const std::string_view digits = text.substr(0, colon);
        const auto byte =
            digits.size() <= 2 ? parse_number<std::uint8_t>(digits, 16) : std::nullopt;
        if (!byte)
            return std::nullopt;
        mac.bytes[i] = *byte;
        if (!last)
            text.remove_prefix(colon + 1);
    }
    return mac;
}

std::string MacAddress::to_string() const {
    char text[sizeof "aa:bb:cc:dd:ee:ff"];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                  bytes[3], bytes[4], bytes[5]);
    return text;
}

} // namespace netvsc
