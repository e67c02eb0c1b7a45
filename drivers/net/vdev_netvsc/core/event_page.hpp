// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event_bus.hpp"

#include <cstddef>

namespace netvsc {

/// @return the maximum size of this event in the JSON of a telemetry answer, in bytes
[[nodiscard]] std::size_t json_size(const NumberedEvent &event);

/// Keeps as many of the first events as fit into @p bytes of JSON. If it drops some, `next` is the
/// number of the first dropped one.
[[nodiscard]] EventBus::History page_of(EventBus::History history, std::size_t bytes);

} // namespace netvsc
