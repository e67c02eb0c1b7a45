// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

namespace netvsc::virtio {

/// What a device did against the specification. A ring that found one takes no more used chains
/// until it is reset.
enum class Fault : std::uint8_t {
    none,
    used_index,  ///< the used index passed the chains that were offered
    unknown_id,  ///< a used id is out of range, or belongs to no chain in flight
    wrong_order, ///< a used id does not end a batch of the oldest chains (in-order rings)
    used_length, ///< the device reports more bytes than the chain has room for
};

/// A fault in words, for a log line.
[[nodiscard]] std::string_view describe(Fault fault);

} // namespace netvsc::virtio
