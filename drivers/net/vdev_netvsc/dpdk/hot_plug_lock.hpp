// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>

namespace netvsc {

using HotPlugLock = std::unique_lock<std::recursive_mutex>;

/// Held while the driver, or fail-safe for it, adds, removes or inspects a PCI device of DPDK. DPDK
/// 22.11 does not serialize hot-plugs: one thread may read device arguments that another thread
/// frees by an unplug at the same address. An application's own hot-plugs do not take this lock.
/// Its callbacks for new ports run with this lock held.
///
/// Any thread. Recursive, because removing a device runs callbacks that take it again. Lock order:
/// fail-safe's port lock (held while fail-safe unplugs), this lock, `Driver::mutex_`. So the holder
/// of this lock must not wait for fail-safe's: it must not raise RTE_ETH_EVENT_INTR_RMV or close a
/// fail-safe port.
[[nodiscard]] HotPlugLock lock_hot_plug();

} // namespace netvsc
