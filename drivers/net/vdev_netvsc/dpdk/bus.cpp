// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/bus.hpp"

#include <cstring>

#include <bus_driver.h>

namespace netvsc {

rte_device *find_device(const char *bus, const std::string &name) {
    const rte_bus *found = rte_bus_find_by_name(bus);
    const auto same_name = [](const rte_device *device, const void *wanted) {
        return std::strcmp(device->name, static_cast<const char *>(wanted));
    };
    return found != nullptr ? found->find_device(nullptr, same_name, name.c_str()) : nullptr;
}

} // namespace netvsc
