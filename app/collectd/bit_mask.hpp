// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace netvsc::collectd {

/// A set of port or lcore numbers, as wide as any DPDK is built for.
using BitMask = std::bitset<4096>;

/// Reads hexadecimal digits of any number, with or without "0x"; their order of magnitude is
/// what BitMask holds. @return nullopt for anything else
[[nodiscard]] std::optional<BitMask> parse_mask(std::string_view text);

/// The highest member and one; 0 if there is none.
[[nodiscard]] std::size_t width(const BitMask &mask);

} // namespace netvsc::collectd
