// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"

#include <string>

#include <ethdev_driver.h>

namespace netvsc {

/// A device of a fallback's PMD that exists only until it has handed over its private data.
///
/// Some PMDs fix the number of queues, or open their sockets, when the device is created. A port
/// that needs other ones gets the private data of a new device. The old data is closed with that
/// device.
class ScratchDevice {
public:
    /// Gives @p port the private data of a new device; the PMD closes the port's old data. The port
    /// must be stopped, and none of its queues in use.
    /// @param arguments  of the new device
    /// @return 0 or a negative errno, which it logs; the port then keeps its data
    [[nodiscard]] static int replace_private_data(rte_eth_dev &port, Fallback kind,
                                                  const std::string &arguments);

    /// The port belongs to a scratch device: nobody else may use it.
    [[nodiscard]] static bool is_scratch(const rte_eth_dev &port);
    /// Owns a scratch device's port (rte_eth_dev_owner_set()), so that no application takes it.
    static void claim(const rte_eth_dev &port);
};

} // namespace netvsc
