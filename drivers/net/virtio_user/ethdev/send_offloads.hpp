// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/net_header.hpp"

#include <cstdint>

struct rte_mbuf;

namespace netvsc::virtio {

/// The offload flags of frames to send that the driver knows. Others are not supported.
[[nodiscard]] std::uint64_t known_send_flags();

/// Writes the header for a frame to send, by its flags.
void write_send_header(NetHeader &header, const rte_mbuf &frame);

/// ethdev's tx_prepare: checks the flags, and puts the pseudo-header's checksum where virtio wants
/// it. @return how many frames are ready; rte_errno says why the next one is not
std::uint16_t prepare_to_send(void *queue, rte_mbuf **packets, std::uint16_t count);

} // namespace netvsc::virtio
