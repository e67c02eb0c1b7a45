// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

/// Adapts a port of net_tap: requests link events, and leaves the netdevice as it was.
///
/// DPDK 25.11 and 26.07: when net_tap closes its port, it sets the flags that the netdevice had
/// before, but clears none. A netdevice that the port made promiscuous stays promiscuous. So the
/// driver ends these modes before net_tap closes. Test: Choice.test_killed of test_fallback.py.
void adapt_tap_port(rte_eth_dev &port);

} // namespace netvsc
