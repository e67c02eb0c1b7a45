// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/arguments.hpp"

namespace netvsc {

/// Splits a vdev's device arguments with rte_kvargs and checks them.
/// @param text  as EAL hands them over; may be empty
/// @return or else a message for the user
[[nodiscard]] std::expected<Arguments, std::string> parse_devargs(const char *text);

} // namespace netvsc
