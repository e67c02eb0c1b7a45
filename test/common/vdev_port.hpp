// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <gtest/gtest.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

namespace netvsc::test {

/// Makes a vdev device, which the test expects to have a port of the same name. @return that
inline std::uint16_t add_vdev_port(const char *device, const char *arguments) {
    EXPECT_EQ(rte_eal_hotplug_add("vdev", device, arguments), 0);
    std::uint16_t port = RTE_MAX_ETHPORTS;
    EXPECT_EQ(rte_eth_dev_get_port_by_name(device, &port), 0);
    return port;
}

} // namespace netvsc::test
