// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/tap_port.hpp"

#include "dpdk/adapted_operations.hpp"
#include "failsafe/link_events.hpp"

namespace netvsc {
namespace {

int close_tap(rte_eth_dev *port) {
    const eth_dev_ops &original = original_operations(*port);
    // net_tap logs a failure itself.
    if (port->data->promiscuous != 0)
        (void)original.promiscuous_disable(port);
    if (port->data->all_multicast != 0)
        (void)original.allmulticast_disable(port);
    return original.dev_close(port);
}

} // namespace

void adapt_tap_port(rte_eth_dev &port) {
    adapt_operations(port, [](eth_dev_ops &tap) {
        tap.dev_configure = configure_with_link_events;
        tap.dev_close = close_tap;
    });
}

} // namespace netvsc
