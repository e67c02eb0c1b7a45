// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netdev/netdevice_control.hpp"

#include <optional>
#include <utility>

namespace netvsc {

/// Keeps LRO of a netdevice off while it exists, if it was on; move-only. A killed process leaves
/// LRO off.
///
/// hv_netvsc has LRO on where the host offers RSC (rndis_netdev_set_hwcaps() in rndis_filter.c). It
/// then delivers frames above the MTU, which no fallback can forward, and refuses native XDP
/// programs.
class LroPause {
public:
    /// Switches LRO off if it is on. Needs CAP_NET_ADMIN.
    [[nodiscard]] static Result<LroPause> begin(int ifindex);
    LroPause(const LroPause &) = delete;
    LroPause &operator=(const LroPause &) = delete;
    LroPause(LroPause &&other) noexcept
        : netdevice_(std::exchange(other.netdevice_, std::nullopt)) {}
    LroPause &operator=(LroPause &&other) noexcept {
        std::swap(netdevice_, other.netdevice_);
        return *this;
    }
    /// Switches LRO on again if begin() switched it off and the netdevice still exists.
    ~LroPause();

    /// begin() switched LRO off.
    [[nodiscard]] bool active() const { return netdevice_.has_value(); }

private:
    explicit LroPause(std::optional<NetdeviceControl> netdevice)
        : netdevice_(std::move(netdevice)) {}

    std::optional<NetdeviceControl> netdevice_;
};

} // namespace netvsc
