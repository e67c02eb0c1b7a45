// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace netvsc {

/// What AF_XDP sockets have changed on a netdevice, as the recovery journal records it.
struct XdpChanges {
    std::optional<std::uint32_t> channels_before; ///< combined channels, if changed
    std::set<std::uint32_t> programs;             ///< attached programs, by kernel id

    bool operator==(const XdpChanges &) const = default;

    [[nodiscard]] std::string to_string() const;
    /// Ignores lines that it does not know.
    [[nodiscard]] static XdpChanges parse(std::string_view text);
};

} // namespace netvsc
