// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>

namespace netvsc {

/// Waits until an AF_XDP socket can be bound to a netdevice's channel: for some time after the last
/// one has been closed the kernel still has its memory there, and tells nobody when it has gone.
///
/// Asked by a socket that wants zero copy, which is let go of at once by netdevices that have none.
/// Where there is zero copy the channel may be taken again for a moment after this.
///
/// @return failure(EBUSY) if it was not free within @p limit
[[nodiscard]] Result<void> wait_for_xdp_channel(int ifindex, std::uint32_t channel,
                                                std::chrono::milliseconds limit);

} // namespace netvsc
