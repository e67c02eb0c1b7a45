// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "l2fwd-keepalive/path.hpp"
#include "l2fwd-keepalive/worker.hpp"

#include <memory>
#include <span>
#include <string>

namespace netvsc {

/// For people: each port, their sum, each lcore's restarts.
/// What a port has received has been sent by the port it leads to, dropped there, or waits in that
/// one's buffer, which is empty at the end.
[[nodiscard]] std::string statistics(std::span<const std::unique_ptr<Path>> paths,
                                     std::span<const std::unique_ptr<Worker>> workers);

} // namespace netvsc
