// SPDX-License-Identifier: BSD-3-Clause
#include "failsafe/double_release.hpp"

#include <algorithm>
#include <array>
#include <atomic>

namespace netvsc {
namespace {

// The device of the marked port in each slot.
std::array<std::atomic<const rte_device *>, RTE_MAX_ETHPORTS> devices;

// Each second release lowers ethdev's count of ports by one too many. ethdev frees the data of all
// ports when it counts neither ports nor owners. This owner prevents that.
void keep_ethdev_data() {
    static const bool kept = [] {
        std::uint64_t owner = 0;
        return rte_eth_dev_owner_new(&owner) == 0;
    }();
    (void)kept;
}

// The second release frees the memory that the data points to (none), zeroes the data and removes
// it from the slot. The next port in the slot gets ethdev's own data.
void set_spare_data(rte_eth_dev &slot, std::uint16_t number) {
    static std::array<rte_eth_dev_data, RTE_MAX_ETHPORTS> spare;
    spare.at(number).port_id = number;
    // Only if no other thread has just created a port in the slot.
    rte_eth_dev_data *none = nullptr;
    if (std::atomic_ref(slot.data).compare_exchange_strong(none, &spare.at(number)))
        keep_ethdev_data();
}

} // namespace

void expect_double_release(const rte_eth_dev &port) {
    devices.at(port.data->port_id) = port.device;
}

bool is_double_release_expected(const rte_device *device) {
    return std::ranges::any_of(devices, [&](const auto &expected) { return expected == device; });
}

void prepare_double_release(const rte_device *device) {
    for (std::uint16_t number = 0; number < RTE_MAX_ETHPORTS; ++number) {
        const rte_device *expected = device;
        if (!devices.at(number).compare_exchange_strong(expected, nullptr))
            continue;
        rte_eth_dev &slot = rte_eth_devices[number];
        if (slot.state != RTE_ETH_DEV_UNUSED)
            continue;
        if (slot.data != nullptr)
            slot.data->port_id = number;
        else
            set_spare_data(slot, number);
    }
}

} // namespace netvsc
