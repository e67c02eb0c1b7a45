// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "l2fwd-keepalive/path.hpp"
#include "l2fwd-keepalive/worker.hpp"

#include <memory>
#include <span>
#include <string>

namespace netvsc {

/// @return text for a terminal: the counters of each port, their sum, and each lcore's restarts
/// A frame that a port received was sent by the other port, dropped there, or waits in its buffer.
/// The buffers are empty at the end.
[[nodiscard]] std::string statistics(std::span<const std::unique_ptr<Path>> paths,
                                     std::span<const std::unique_ptr<Worker>> workers);

} // namespace netvsc
