// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace netvsc {

/// What AF_XDP sockets have changed at a netdevice, as a note says it.
struct XdpChanges {
    std::optional<std::uint32_t> channels_before; ///< combined channels, if they were changed
    std::set<std::uint32_t> programs;             ///< that were attached, by the kernel's numbers

    bool operator==(const XdpChanges &) const = default;

    [[nodiscard]] std::string to_string() const;
    /// What is not understood is left out.
    [[nodiscard]] static XdpChanges parse(std::string_view text);
};

} // namespace netvsc
