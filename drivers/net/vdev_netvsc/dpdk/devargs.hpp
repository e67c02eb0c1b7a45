// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/arguments.hpp"

namespace netvsc {

/// Splits a vdev's device arguments into key=value pairs and checks them.
/// @param text  as EAL passes them to the driver; empty or nullptr: none
/// @return or else a message for the user
[[nodiscard]] std::expected<Arguments, std::string> parse_devargs(const char *text);

} // namespace netvsc
