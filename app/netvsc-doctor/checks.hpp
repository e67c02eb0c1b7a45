// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-doctor/finding.hpp"
#include "netvsc-doctor/machine.hpp"

namespace netvsc::doctor {

/// The NetVSC netdevices and their VFs.
void check_netdevices(const Machine &machine, Findings &findings);
/// Kernel, memory, privileges and leftovers.
void check_system(const Machine &machine, Findings &findings);
/// DPDK and the driver's file.
void check_dpdk(const Machine &machine, Findings &findings);

} // namespace netvsc::doctor
