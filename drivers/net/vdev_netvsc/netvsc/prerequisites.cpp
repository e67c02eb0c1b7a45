// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/prerequisites.hpp"

namespace netvsc {

std::optional<std::string> missing_for_path(const PathFacts &facts) {
    if (!facts.vmbus)
        return "DPDK's VMBus bus is missing: expected librte_bus_vmbus and librte_net_netvsc in "
               "this application and in the driver's build";
    if (!facts.used_by.empty())
        return "the netdevice is in use by " + facts.used_by + ": expected one instance for a NIC";
    if (facts.kernel_driver != "hv_netvsc")
        return "the netdevice's kernel driver is " +
               (facts.kernel_driver.empty() ? "none of the VMBus" : facts.kernel_driver) +
               ": expected hv_netvsc";
    if (!facts.hugepages)
        return "EAL has no hugepages: expected some, and no --no-huge";
    if (!facts.physical_addresses)
        return "EAL's IOVA mode is not PA: expected --iova-mode=pa";
    if (!facts.uio_driver)
        return "the kernel driver uio_hv_generic is not loaded: expected `modprobe "
               "uio_hv_generic` before";
    return std::nullopt;
}

} // namespace netvsc
