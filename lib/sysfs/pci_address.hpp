// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// The address of a PCI function: domain:bus:device.function, in Linux's notation.
struct PciAddress {
    std::uint32_t domain = 0;
    std::uint8_t bus = 0;
    std::uint8_t device = 0;   ///< 0 to 31
    std::uint8_t function = 0; ///< 0 to 7

    /// Parses "0000:03:00.0": hexadecimal digits, 4 to 8 of them for the domain. @return nullopt
    /// for any other text
    [[nodiscard]] static std::optional<PciAddress> parse(std::string_view text);
    /// The form of Linux and DPDK: the domain has at least four digits.
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const PciAddress &) const = default;
};

} // namespace netvsc
