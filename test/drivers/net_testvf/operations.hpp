// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "args.hpp"

#include <ethdev_driver.h>

namespace testvf {

/// Gives a port that has its Port the functions that ports with these arguments have.
void install_operations(rte_eth_dev *ethdev, const Args &args);

/// Stops what runs, frees the Port and takes its functions away. Safe from any thread.
int close_port(rte_eth_dev *ethdev) noexcept;

} // namespace testvf
