// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/pci_event.hpp"
#include "netlink/link_message.hpp"
#include "sysfs/netdevice.hpp"

#include <optional>

namespace netvsc {

/// Facts about the device below a message's netdevice. Reads sysfs only if the uevents do not have
/// them. @return nullopt if the netdevice has another name by now or was removed
[[nodiscard]] std::optional<DeviceFacts> facts_of(const LinkMessage &message,
                                                  const KnownFunctions &known);

} // namespace netvsc
