// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netvsc-doctor/files.hpp"
#include "netvsc-doctor/machine.hpp"

#include <map>
#include <set>
#include <vector>

namespace netvsc::doctor {

/// The netdevices of this network namespace, and their addresses.
struct KernelNetdevices {
    std::map<int, LinkMessage> links; ///< by ifindex
    std::set<InterfaceAddress> addresses;
};

/// Requests them from the kernel (rtnetlink(7)).
/// @return failure(ETIMEDOUT) if the kernel does not answer within 5 s
[[nodiscard]] Result<KernelNetdevices> list_netdevices();

/// The NetVSC netdevices and their VFs, by what sysfs and proc have about the kernel's netdevices.
[[nodiscard]] std::vector<NetvscFacts> find_netvscs(const KernelNetdevices &kernel,
                                                    const Files &files);

} // namespace netvsc::doctor
