// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <string_view>

namespace netvsc {

/// Writes one line to DPDK's log, type pmd.net.vdev_netvsc. Any thread.
void log(Message::Level level, std::string_view text);

} // namespace netvsc
