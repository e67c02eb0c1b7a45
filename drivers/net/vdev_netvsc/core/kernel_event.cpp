// SPDX-License-Identifier: BSD-3-Clause
#include "core/kernel_event.hpp"

namespace netvsc {

KernelEvent kernel_event_of(const Uevent &event) {
    return {.number = event.sequence,
            .action = std::string(event.action),
            .subsystem = std::string(event.subsystem),
            .device_path = std::string(event.device_path),
            .pci_address = std::string(event.pci_slot_name),
            .netdevice = std::string(event.interface),
            .synthetic = !event.synthetic.empty(),
            .lost = false};
}

bool KernelEventFilter::passes(const KernelEvent &event) const {
    return event.lost ||
           ((!action || *action == event.action) && (!subsystem || *subsystem == event.subsystem));
}

} // namespace netvsc
