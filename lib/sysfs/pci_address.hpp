// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// Where a PCI function sits: domain:bus:device.function, as Linux names it.
struct PciAddress {
    std::uint32_t domain = 0;
    std::uint8_t bus = 0;
    std::uint8_t device = 0;   ///< 0 to 31
    std::uint8_t function = 0; ///< 0 to 7

    /// Reads "0000:03:00.0": hexadecimal, the domain of 4 to 8 digits; nothing else is taken.
    [[nodiscard]] static std::optional<PciAddress> parse(std::string_view text);
    /// The form Linux and DPDK use, the domain with at least four digits.
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const PciAddress &) const = default;
};

} // namespace netvsc
