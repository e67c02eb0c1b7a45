// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"

#include <string>

#include <ethdev_driver.h>

namespace netvsc {

/// A device of a slow sub-device's PMD that is made only to give its private data away.
///
/// PMDs that fix the number of queues, or open their sockets, when the device is made cannot be
/// told otherwise afterwards. The port that has to change gets the private data of a new device,
/// and the old ones are closed with that.
class Lender {
public:
    /// Gives @p port the private data of a new device; its own are closed by the PMD. The port must
    /// be stopped, and none of its queues in use.
    /// @param arguments  those of the new device
    /// @return 0 or a negative errno, which it logs; the port then has what it had
    [[nodiscard]] static int renew(rte_eth_dev &port, Fallback kind, const std::string &arguments);

    /// It is such a device: not for anyone else.
    [[nodiscard]] static bool lends(const rte_eth_dev &port);
    /// Owns a port that lends(), so that no application takes it.
    static void keep_to_ourselves(const rte_eth_dev &port);
};

} // namespace netvsc
