// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace netvsc::collectd {

/// A set of port or lcore numbers. It holds more than any DPDK build can have.
using BitMask = std::bitset<4096>;

/// Parses hexadecimal digits, with or without "0x".
/// @return nullopt if @p text is not hexadecimal or does not fit into BitMask
[[nodiscard]] std::optional<BitMask> parse_mask(std::string_view text);

/// The highest member plus one; 0 if the set is empty.
[[nodiscard]] std::size_t width(const BitMask &mask);

} // namespace netvsc::collectd
