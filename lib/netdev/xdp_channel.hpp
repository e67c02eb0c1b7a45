// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>

namespace netvsc {

/// Blocks until an AF_XDP socket can be bound to a channel of a netdevice. After the last socket of
/// a channel was closed, the kernel releases the channel later (xdp_umem_release_deferred() in
/// net/xdp/xdp_umem.c) and sends no event.
///
/// Polls with a zero-copy socket, which a netdevice without zero copy refuses at once. Where a
/// netdevice supports zero copy, the polling socket itself can occupy the channel for a moment
/// after the return. Not reentrant: one thread at a time.
///
/// @param ifindex  of the netdevice
/// @param channel  its number, from 0
/// @param limit    of the whole wait
/// @return failure(EBUSY) if the channel was not free within @p limit
[[nodiscard]] Result<void> wait_for_xdp_channel(int ifindex, std::uint32_t channel,
                                                std::chrono::milliseconds limit);

} // namespace netvsc
