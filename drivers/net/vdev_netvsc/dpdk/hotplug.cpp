// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/hotplug.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <tuple>
#include <utility>

#include <bus_driver.h>
#include <dev_driver.h>
#include <rte_dev.h>
#include <rte_devargs.h>

namespace netvsc {
namespace {

// EAL_DEV_MP_DEV_ARGS_MAX_LEN in lib/eal/common/hotplug_mp.h, with the terminating NUL.
constexpr std::size_t message_size = 128;

struct LongArguments {
    const std::string &device;
    const std::string &text; ///< "<bus>:<device>,<arguments>"
};

// Those of the device that this thread adds.
thread_local const LongArguments *pending = nullptr;

// Sets the pending arguments of a device. EAL has a list of all devices' arguments: inserting those
// of a listed device again changes the ones that the device points to.
// @return false if that failed: the driver must not probe the device without its arguments
bool set_pending_arguments(const rte_device &device) {
    if (pending == nullptr || pending->device != device.name)
        return true;
    auto *arguments = static_cast<rte_devargs *>(std::calloc(1, sizeof(rte_devargs)));
    if (arguments == nullptr)
        return false;
    if (rte_devargs_parse(arguments, pending->text.c_str()) == 0 &&
        rte_devargs_insert(&arguments) == 0)
        return true;
    rte_devargs_reset(arguments);
    std::free(arguments);
    return false;
}

// A bus's operation that makes a driver probe a device: plug until DPDK 26.03. From 26.07 on it is
// probe_device (76622feba9), which has the driver as a parameter, too.
template <typename Bus> auto &probe_operation(Bus &bus) {
    if constexpr (requires { bus.probe_device; })
        return bus.probe_device;
    else
        return bus.plug;
}

using Probe = std::remove_reference_t<decltype(probe_operation(std::declval<rte_bus &>()))>;

struct HookedBus {
    const char *name;
    Probe original = nullptr;
};

HookedBus pci{.name = "pci"};
HookedBus vdev{.name = "vdev"};

constexpr auto probe_with_arguments = [](auto... parameters) {
    rte_device *device = std::get<sizeof...(parameters) - 1>(std::tuple(parameters...));
    if (!set_pending_arguments(*device))
        return -ENOMEM;
    const bool is_pci = std::strcmp(device->bus->name, pci.name) == 0;
    return (is_pci ? pci : vdev).original(parameters...);
};

// Replaces the bus's operation at the first device with long arguments.
bool hook(HookedBus &hooked) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    rte_bus *bus = rte_bus_find_by_name(hooked.name);
    if (bus == nullptr || probe_operation(*bus) == nullptr)
        return false;
    if (hooked.original == nullptr) {
        hooked.original = probe_operation(*bus);
        probe_operation(*bus) = probe_with_arguments;
    }
    return true;
}

} // namespace

int hotplug_add(const char *bus, const std::string &name, const std::string &arguments) {
    const std::string text = std::string(bus) + ":" + name + "," + arguments;
    if (text.size() < message_size)
        return rte_eal_hotplug_add(bus, name.c_str(), arguments.c_str());
    if (!hook(std::strcmp(bus, pci.name) == 0 ? pci : vdev))
        return -ENOTSUP;
    const LongArguments full{.device = name, .text = text};
    const LongArguments *outer = std::exchange(pending, &full);
    const int result = rte_eal_hotplug_add(bus, name.c_str(), "");
    pending = outer;
    return result;
}

} // namespace netvsc
