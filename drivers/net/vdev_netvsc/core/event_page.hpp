// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/event_bus.hpp"

#include <cstddef>

namespace netvsc {

/// At most so many bytes this event takes in the JSON of a telemetry answer.
[[nodiscard]] std::size_t json_size(const NumberedEvent &event);

/// Leaves as many of the first events as fit into @p bytes of JSON; if that is not all, `next` is
/// where to go on.
[[nodiscard]] EventBus::History page_of(EventBus::History history, std::size_t bytes);

} // namespace netvsc
