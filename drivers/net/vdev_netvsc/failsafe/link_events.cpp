// SPDX-License-Identifier: BSD-3-Clause
#include "failsafe/link_events.hpp"

#include "dpdk/adapted_operations.hpp"

namespace netvsc {
namespace {

/// The application wants link events of the fail-safe port that this thread configures now.
thread_local bool wanted = false;

} // namespace

int configure_without_registration(rte_eth_dev *failsafe) {
    auto &interrupts = failsafe->data->dev_conf.intr_conf;
    wanted = interrupts.lsc != 0;
    interrupts.lsc = 0;
    const int result = original_operations(*failsafe).dev_configure(failsafe);
    interrupts.lsc = wanted ? 1 : 0;
    wanted = false;
    return result;
}

void enable_link_events(rte_eth_dev &sub_device) {
    const bool supported = (sub_device.data->dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
    if (wanted && supported)
        sub_device.data->dev_conf.intr_conf.lsc = 1;
}

int configure_with_link_events(rte_eth_dev *sub_device) {
    enable_link_events(*sub_device);
    return original_operations(*sub_device).dev_configure(sub_device);
}

} // namespace netvsc
