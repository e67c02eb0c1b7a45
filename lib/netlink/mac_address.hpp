// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// An Ethernet (EUI-48) address, in the byte order of the wire.
struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    /// Parses "aa:bb:cc:dd:ee:ff": one or two hexadecimal digits each, in either case, as DPDK's
    /// `mac=` arguments. @return nullopt for any other text
    [[nodiscard]] static std::optional<MacAddress> parse(std::string_view text);

    /// "aa:bb:cc:dd:ee:ff" in lower case.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool is_zero() const { return *this == MacAddress{}; }
    auto operator<=>(const MacAddress &) const = default;
};

} // namespace netvsc

template <> struct std::hash<netvsc::MacAddress> {
    std::size_t operator()(const netvsc::MacAddress &mac) const noexcept {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : mac.bytes)
            value = value << 8 | byte;
        return std::hash<std::uint64_t>{}(value);
    }
};
