// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/net_header.hpp"

struct rte_mbuf;

namespace netvsc::virtio {

/// Translates what a header says about a received frame to the mbuf's flags and packet type.
/// Completes a partial checksum that the mbuf cannot express.
/// @return false if the frame is malformed
[[nodiscard]] bool apply_receive_offloads(rte_mbuf &frame, const NetHeader &header);

} // namespace netvsc::virtio
