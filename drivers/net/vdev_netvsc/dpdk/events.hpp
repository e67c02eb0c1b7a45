// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event_bus.hpp"

namespace netvsc {

/// The events of this process; never destroyed. Callbacks run in EAL's interrupt thread, which then
/// holds no lock of the driver or of DPDK.
[[nodiscard]] EventBus &event_bus();

/// Publishes @p event with the present time. Any thread, with any locks held.
void publish(Event event);

} // namespace netvsc
