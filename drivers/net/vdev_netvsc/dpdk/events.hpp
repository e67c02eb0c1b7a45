// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event_bus.hpp"

namespace netvsc {

/// The process's events; never destroyed. Callbacks run in EAL's interrupt thread, with no lock of
/// ours or of DPDK's held.
[[nodiscard]] EventBus &event_bus();

/// Publishes @p event now. From any thread, whatever locks it holds.
void publish(Event event);

} // namespace netvsc
