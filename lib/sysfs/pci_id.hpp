// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netvsc {

/// The vendor and device id of a PCI function.
struct PciId {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;

    /// Parses a uevent's PCI_ID, "15B3:101A": four hexadecimal digits each, in either case.
    /// @return nullopt for any other text
    [[nodiscard]] static std::optional<PciId> parse(std::string_view text);
    bool operator==(const PciId &) const = default;
};

/// Microsoft's network adapter MANA.
inline constexpr PciId mana_id{.vendor = 0x1414, .device = 0x00ba};

} // namespace netvsc
