// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>

namespace netvsc {

using HotPlugLock = std::unique_lock<std::recursive_mutex>;

/// Held while the driver, or fail-safe for it, adds a PCI device to DPDK, takes one away or looks
/// at one: DPDK 22.11 lets any thread do so at any time, though a hot-plug goes on reading device
/// arguments that an unplug at the same address frees. Applications' own hot-plugs do not take it;
/// their callbacks for new ports are called with it in hand, as by fail-safe with its own.
///
/// Any thread; recursive, as a device that goes is told of by callbacks. Order: fail-safe's own
/// lock, which it holds while it unplugs, then this, then Driver's mutex. So nothing that waits for
/// fail-safe's (raising RTE_ETH_EVENT_INTR_RMV, closing its port) may be done with this in hand.
[[nodiscard]] HotPlugLock lock_hot_plug();

} // namespace netvsc
