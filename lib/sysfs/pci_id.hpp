// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netvsc {

/// Who made a PCI function, and what it is.
struct PciId {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;

    /// Reads a uevent's PCI_ID, "15B3:101A": four hexadecimal digits each, in either case; nothing
    /// else is taken.
    [[nodiscard]] static std::optional<PciId> parse(std::string_view text);
    bool operator==(const PciId &) const = default;
};

/// Microsoft's network adapter.
inline constexpr PciId mana_id{.vendor = 0x1414, .device = 0x00ba};

} // namespace netvsc
