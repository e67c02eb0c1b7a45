// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <limits>
#include <string>

namespace testvf {

/// The environment variable with the defaults for devices whose device arguments cannot be given.
inline constexpr const char *environment_variable = "NETVSC_TESTVF_ARGS";

/// What a port is to be like. The defaults are those of mlx5.
struct Args {
    static constexpr unsigned always = std::numeric_limits<unsigned>::max();

    bool rmv = true;                   ///< raises RTE_ETH_EVENT_INTR_RMV at a removal
    bool set_link = true;              ///< has dev_set_link_up and dev_set_link_down
    bool set_mac = true;               ///< has mac_addr_set
    bool lsc = true;                   ///< raises RTE_ETH_EVENT_INTR_LSC at link changes
    unsigned probe_failures = 0;       ///< number of the first probes of an address that fail
    std::string probe_needs;           ///< file without which probes fail; empty: none
    std::chrono::milliseconds probe{}; ///< how long a probe takes
    std::chrono::milliseconds stop{};  ///< how long stopping the port takes
    std::chrono::milliseconds info{};  ///< how long dev_infos_get takes an application's thread
};

/// @param defaults  what holds for keys that are absent
/// @param text      comma-separated `key=value`; null is the same as empty
/// @param source    where the text comes from, for the error
/// @return the arguments, or EINVAL with the argument that is wrong
[[nodiscard]] netvsc::Result<Args> parse_args(const Args &defaults, const char *text,
                                              const char *source);

} // namespace testvf
