// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/saved_netdevice.hpp"

#include "base/parse_number.hpp"
#include "core/link.hpp"
#include "netlink/interface_addresses.hpp"

#include <net/if.h>
#include <sstream>

namespace netvsc {
namespace {

bool take(SavedNetdevice &saved, std::string_view key, std::string_view value) {
    if (key == "mtu") {
        const auto mtu = parse_number<int>(value);
        saved.mtu = mtu.value_or(0);
        return saved.mtu > 0;
    }
    if (key == "up") {
        saved.up = value == "1";
        return value == "0" || value == "1";
    }
    if (key == "mac") {
        const auto mac = MacAddress::parse(value);
        saved.mac = mac.value_or(MacAddress{});
        return mac.has_value();
    }
    if (key == "address") {
        const auto address = parse_interface_address(value);
        if (address)
            saved.addresses.push_back(*address);
        return address.has_value();
    }
    return false;
}

} // namespace

std::string SavedNetdevice::to_string() const {
    std::string text = name + " mtu=" + std::to_string(mtu) + " up=" + (up ? "1" : "0") +
                       " mac=" + mac.to_string();
    for (const InterfaceAddress &address : addresses)
        text += " address=" + text_of(address);
    return text;
}

std::optional<SavedNetdevice> SavedNetdevice::parse(std::string_view text) {
    std::istringstream words{std::string(text)};
    SavedNetdevice saved;
    if (!(words >> saved.name) || saved.name.size() >= IFNAMSIZ || !safe_in_devargs(saved.name))
        return std::nullopt;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos)
            return std::nullopt;
        const std::string_view whole = word;
        if (!take(saved, whole.substr(0, equals), whole.substr(equals + 1)))
            return std::nullopt;
    }
    if (saved.mtu == 0 || saved.mac.is_zero())
        return std::nullopt;
    return saved;
}

} // namespace netvsc
