// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <rte_ethdev.h>

struct rte_mbuf;

namespace testvf {

/// The Tx offloads of write_checksums(), those of net_tap.
constexpr std::uint64_t checksum_offloads =
    RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

/// Writes the checksums that the frame's RTE_MBUF_F_TX_* flags request into its headers.
/// @param frame  its l2_len and l3_len are set; its headers are in the first segment
/// @return false: the frame is shorter than its headers, and is not changed
[[nodiscard]] bool write_checksums(rte_mbuf &frame) noexcept;

} // namespace testvf
