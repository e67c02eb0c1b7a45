// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/mac_address.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc::virtio {

/// The device arguments of net_virtio_user, with the defaults of DPDK's driver (DPDK guide,
/// nics/virtio.rst).
struct Arguments {
    std::string path; ///< the back end's socket or character device
    std::optional<MacAddress> mac;
    std::uint16_t queues = 1; ///< pairs
    bool cq = false;          ///< control queue
    std::uint16_t queue_size = 256;
    std::string iface; ///< vhost-kernel's tap device; empty: the kernel chooses a name
    bool server = false;
    bool mrg_rxbuf = true;
    bool in_order = true;
    bool packed_vq = false;
    std::uint32_t speed = UINT32_MAX; ///< Mbit/s; UINT32_MAX: unknown

    static constexpr std::uint16_t max_queues = 128;

    /// Reads `key=value` pairs divided by commas, and checks what can be checked without the back
    /// end.
    /// @return or else a message for the user, which names the argument
    [[nodiscard]] static std::expected<Arguments, std::string> parse(std::string_view text);
};

} // namespace netvsc::virtio
