// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/keepalive_reader.hpp"

#include <string>
#include <vector>

namespace netvsc {

/// The lcores that are DEAD or GONE.
[[nodiscard]] std::vector<unsigned> dead_lcores(const KeepaliveSnapshot &snapshot);

/// "2 dead cores: 1, 3", or "0 dead cores"
[[nodiscard]] std::string as_text(const KeepaliveSnapshot &snapshot);

/// {"dead":[1,3],"lcores":{"0":{"last_seen_tsc":42,"state":"ALIVE"},...}}, without UNUSED ones
[[nodiscard]] std::string as_json(const KeepaliveSnapshot &snapshot);

} // namespace netvsc
