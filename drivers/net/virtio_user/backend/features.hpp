// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Feature bits and the device status of virtio 1.2 (sections 2.1, 5.1.3 and 6), as far as the
/// device uses them.
namespace netvsc::virtio {

namespace feature {
constexpr std::uint64_t csum = 1ULL << 0;       ///< the device completes checksums
constexpr std::uint64_t guest_csum = 1ULL << 1; ///< the driver takes partial checksums
constexpr std::uint64_t mac = 1ULL << 5;        ///< the device has an address
constexpr std::uint64_t guest_tso4 = 1ULL << 7; ///< the driver takes large TCP/IPv4 segments
constexpr std::uint64_t guest_tso6 = 1ULL << 8; ///< the driver takes large TCP/IPv6 segments
constexpr std::uint64_t host_tso4 = 1ULL << 11; ///< the device takes large TCP/IPv4 segments
constexpr std::uint64_t host_tso6 = 1ULL << 12; ///< the device takes large TCP/IPv6 segments
constexpr std::uint64_t mrg_rxbuf = 1ULL << 15; ///< a frame may fill several buffers
constexpr std::uint64_t status = 1ULL << 16;    ///< the device reports its link
constexpr std::uint64_t ctrl_vq = 1ULL << 17;   ///< control queue
constexpr std::uint64_t ctrl_rx = 1ULL << 18;   ///< reception modes by the control queue
constexpr std::uint64_t ctrl_vlan = 1ULL << 19; ///< VLAN filter by the control queue
constexpr std::uint64_t guest_announce = 1ULL << 21;
constexpr std::uint64_t mq = 1ULL << 22;            ///< several queue pairs
constexpr std::uint64_t ctrl_mac_addr = 1ULL << 23; ///< address by the control queue
constexpr std::uint64_t indirect_desc = 1ULL << 28;
constexpr std::uint64_t version_1 = 1ULL << 32;
constexpr std::uint64_t access_platform = 1ULL << 33; ///< addresses are IOVAs
constexpr std::uint64_t ring_packed = 1ULL << 34;
constexpr std::uint64_t in_order = 1ULL << 35;

/// What the driver can do.
constexpr std::uint64_t supported = csum | guest_csum | mac | guest_tso4 | guest_tso6 | host_tso4 |
                                    host_tso6 | mrg_rxbuf | status | ctrl_vq | ctrl_rx | ctrl_vlan |
                                    mq | ctrl_mac_addr | indirect_desc | version_1 | ring_packed |
                                    in_order;
/// What needs the control queue.
constexpr std::uint64_t need_control_queue =
    ctrl_vq | ctrl_rx | ctrl_vlan | guest_announce | mq | ctrl_mac_addr;
/// What the device does itself, whatever the back end offers.
constexpr std::uint64_t emulated = mac | ctrl_vq | status;
} // namespace feature

namespace status {
constexpr std::uint8_t acknowledge = 1;
constexpr std::uint8_t driver = 2;
constexpr std::uint8_t driver_ok = 4;
constexpr std::uint8_t features_ok = 8;
constexpr std::uint8_t needs_reset = 64;
constexpr std::uint8_t failed = 128;
} // namespace status

} // namespace netvsc::virtio
