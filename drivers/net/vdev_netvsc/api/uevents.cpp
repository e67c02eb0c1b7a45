// SPDX-License-Identifier: BSD-3-Clause
//
// The functions of rte_pmd_vdev_netvsc_kernel.h for the kernel's uevents.

#include "dpdk/clock.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"

#include <cerrno>

// Only the functions of this header are exported.
#pragma GCC visibility push(default)
#include "rte_pmd_vdev_netvsc_kernel.h"
#pragma GCC visibility pop

namespace netvsc {
namespace {

using Bus = BasicEventBus<KernelEvent>;

Bus::Key key_of(rte_pmd_vdev_netvsc_uevent_callback callback, void *user) {
    return {.function = reinterpret_cast<std::uintptr_t>(callback), .user = user};
}

std::optional<std::string> text_of(const char *text) {
    return text != nullptr ? std::optional<std::string>(text) : std::nullopt;
}

// The texts are those of @p numbered.
rte_pmd_vdev_netvsc_uevent event_of(const Bus::Numbered &numbered) {
    const KernelEvent &event = numbered.event;
    return {.number = event.number,
            .time_ns = ns_of(numbered.time),
            .action = event.action.c_str(),
            .subsystem = event.subsystem.c_str(),
            .device_path = event.device_path.c_str(),
            .pci_address = event.pci_address.c_str(),
            .netdevice = event.netdevice.c_str(),
            .synthetic = event.synthetic,
            .lost = event.lost};
}

} // namespace
} // namespace netvsc

using namespace netvsc;

int rte_pmd_vdev_netvsc_uevent_callback_register(
    const struct rte_pmd_vdev_netvsc_uevent_filter *filter,
    rte_pmd_vdev_netvsc_uevent_callback callback, void *user) {
    if (callback == nullptr)
        return -EINVAL;
    return guarded(__func__, [&] {
        KernelEventFilter wanted;
        if (filter != nullptr)
            wanted = {.action = text_of(filter->action), .subsystem = text_of(filter->subsystem)};
        const auto call = [callback, user](const Bus::Numbered &numbered) {
            const auto event = event_of(numbered);
            callback(&event, user);
        };
        // The bus drops the oldest events if callbacks take too long.
        const auto call_if_wanted = [call, wanted,
                                     next = std::uint64_t{0}](const Bus::Numbered &event) mutable {
            if (next != 0 && next != event.sequence)
                call({.sequence = event.sequence, .time = event.time, .event = {.lost = true}});
            next = event.sequence + 1;
            if (wanted.passes(event.event))
                call(event);
        };
        return kernel_event_bus().subscribe(key_of(callback, user), call_if_wanted) ? 0 : -EEXIST;
    });
}

int rte_pmd_vdev_netvsc_uevent_callback_unregister(rte_pmd_vdev_netvsc_uevent_callback callback,
                                                   void *user) {
    return guarded(__func__, [&] {
        return kernel_event_bus().unsubscribe(key_of(callback, user)) ? 0 : -ENOENT;
    });
}
