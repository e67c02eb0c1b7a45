// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace netvsc {

/// Whether the kernel's rtnl lock could be had within @p limit. A thread that must not block asks
/// this before it makes a request that takes the lock: the kernel has no such request with a time
/// limit. Another thread may take the lock right afterwards.
///
/// hv_netvsc holds the lock while it waits for the host: for the association of a VF that is up
/// (netvsc_vf_changed() in netvsc_drv.c), for the switch of the data path, for a channel.
///
/// A short-lived thread takes the lock in place of the caller. While that thread waits, further
/// calls wait for the same one; at most one exists. Any thread.
///
/// @param limit  by default more than the kernel needs for an ordinary change of a netdevice
[[nodiscard]] bool rtnl_available(std::chrono::milliseconds limit = std::chrono::milliseconds(20));

} // namespace netvsc
