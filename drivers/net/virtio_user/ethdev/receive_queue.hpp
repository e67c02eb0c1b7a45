// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ethdev/queue.hpp"

#include <memory>

namespace netvsc::virtio {

/// What start-up decided about a port's reception.
struct ReceiveMode {
    bool mergeable = false;  ///< a frame may have several buffers
    bool offloads = false;   ///< a header may say something about its frame
    bool strip_vlan = false; ///< VLAN tags move to the mbuf
};

/// @param options  with a pool of mbufs whose headroom holds the virtio-net header
[[nodiscard]] Result<std::unique_ptr<Queue>> make_receive_queue(QueueOptions options);
/// The burst function for all receive queues of a port.
[[nodiscard]] Burst receive_burst(const QueueKind &kind, const ReceiveMode &mode);

} // namespace netvsc::virtio
