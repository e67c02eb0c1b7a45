// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/dpdk_compat.hpp"

#include "common/eal/dpdk_release.hpp"
#include "dpdk/log.hpp"

#include <atomic>
#include <cstring>

namespace netvsc {
namespace {

// Templates: in them, a member that this release lacks is no compile error.

template <typename Bus> auto &unplug_operation(Bus &bus) {
    if constexpr (requires { bus.unplug_device; })
        return bus.unplug_device;
    else
        return bus.unplug;
}

// From DPDK 26.07 on the operation has the bus as a parameter (89127f66f5).
template <typename Bus>
rte_device *find_on(const Bus &bus, const rte_device *after, rte_dev_cmp_t same, const char *name) {
    if constexpr (requires { bus.find_device(&bus, after, same, name); })
        return bus.find_device(&bus, after, same, name);
    else
        return bus.find_device(after, same, name);
}

template <typename Bus> void scan_and_probe_on(Bus &bus) {
    if constexpr (requires { bus.scan(&bus); })
        (void)bus.scan(&bus);
    else
        (void)bus.scan();
    if constexpr (requires { bus.probe(&bus); })
        (void)bus.probe(&bus);
    else
        (void)bus.probe();
}

template <typename Bus> void hook_cleanup(Bus &bus, void (*first)()) {
    if constexpr (requires { bus.cleanup(&bus); }) {
        static auto original = bus.cleanup;
        static auto before = first;
        if (original != nullptr)
            bus.cleanup = [](rte_bus *cleaned) {
                before();
                return original(cleaned);
            };
    }
}

template <typename Device> const rte_vdev_device *next_of(const Device &device) {
    if constexpr (requires { device.next; })
        return TAILQ_NEXT(&device, next);
    else
        return nullptr;
}

} // namespace

bool suits_this_dpdk() {
    const DpdkFit fit = check_this_dpdk();
    if (fit.problem)
        log(fit.usable ? Message::Level::warning : Message::Level::error, *fit.problem);
    return fit.usable;
}

bool replace_unplug(const char *bus, BusUnplug own, BusUnplug &original) {
    rte_bus *found = rte_bus_find_by_name(bus);
    if (found == nullptr || unplug_operation(*found) == nullptr) {
        log(Message::Level::warning, std::string("bus ") + bus +
                                         ": cannot unplug devices in this DPDK; the driver does "
                                         "not replace its unplug operation");
        return false;
    }
    const std::atomic_ref operation(unplug_operation(*found));
    if (operation != own) {
        original = operation;
        operation = own;
    }
    return true;
}

rte_device *find_device(const char *bus, const std::string &name) {
    const rte_bus *found = rte_bus_find_by_name(bus);
    const auto same_name = [](const rte_device *device, const void *wanted) {
        return std::strcmp(device->name, static_cast<const char *>(wanted));
    };
    return found != nullptr ? find_on(*found, nullptr, same_name, name.c_str()) : nullptr;
}

void scan_and_probe(const char *bus) {
    if (rte_bus *found = rte_bus_find_by_name(bus))
        scan_and_probe_on(*found);
}

std::vector<std::string> device_names(const char *bus) {
    const rte_bus *found = rte_bus_find_by_name(bus);
    const auto any = [](const rte_device *, const void *) { return 0; };
    std::vector<std::string> names;
    const rte_device *device = nullptr;
    while (found != nullptr && (device = find_on(*found, device, any, nullptr)) != nullptr)
        names.emplace_back(device->name);
    return names;
}

void call_before_vdev_cleanup(void (*first)()) {
    if (rte_bus *bus = rte_bus_find_by_name("vdev"))
        hook_cleanup(*bus, first);
}

const rte_vdev_device *next_in_cleanup(const rte_vdev_device &device) { return next_of(device); }

} // namespace netvsc
