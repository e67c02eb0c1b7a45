// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ethdev/queue.hpp"

#include <memory>

namespace netvsc::virtio {

/// What start-up decided about a port's sending.
struct SendMode {
    bool offloads = false; ///< checksums, segmentation or VLAN tags
};

[[nodiscard]] Result<std::unique_ptr<Queue>> make_send_queue(QueueOptions options);
/// The burst function for all send queues of a port.
[[nodiscard]] Burst send_burst(const QueueKind &kind, const SendMode &mode);

} // namespace netvsc::virtio
