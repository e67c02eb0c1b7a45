// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/pci_event.hpp"
#include "netlink/link_message.hpp"
#include "sysfs/netdevice.hpp"

#include <optional>

namespace netvsc {

/// What is below the netdevice that a message is about, as sysfs says where nothing else does.
/// @return nullopt if it cannot tell: the netdevice has another name by now, or is gone
[[nodiscard]] std::optional<DeviceFacts> facts_of(const LinkMessage &message,
                                                  const KnownFunctions &known);

} // namespace netvsc
