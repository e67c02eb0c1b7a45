// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/devices.hpp"

namespace netvsc {

/// The process's DPDK and PCI bus. Never destroyed.
[[nodiscard]] Devices &dpdk_devices();

} // namespace netvsc
