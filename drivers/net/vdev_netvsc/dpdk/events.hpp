// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event_bus.hpp"
#include "core/kernel_event.hpp"

namespace netvsc {

/// The events of this process; never destroyed. Callbacks run in EAL's interrupt thread, which then
/// holds no lock of the driver or of DPDK.
[[nodiscard]] EventBus &event_bus();

/// The uevents that subscribers of this process want; as event_bus().
[[nodiscard]] BasicEventBus<KernelEvent> &kernel_event_bus();

/// Publishes @p event with the present time. Any thread, with any locks held.
void publish(Event event);

} // namespace netvsc
