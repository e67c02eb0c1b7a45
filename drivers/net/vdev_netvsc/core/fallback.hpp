// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/mac_address.hpp"

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netvsc {

/// The kind of a port's fallback: the DPDK driver net_tap, net_af_packet, ...
enum class Fallback { tap, af_packet, af_xdp, virtio_user };

/// The value of fallback=. nullopt: auto, the best one that works.
using WantedFallback = std::optional<Fallback>;

/// All kinds, in auto's order of preference: by the packets a second that an application can
/// forward, as scripts/bench measures (fallback_mpps).
inline constexpr std::array fallbacks_by_preference{Fallback::af_packet, Fallback::virtio_user,
                                                    Fallback::tap, Fallback::af_xdp};

/// The name in fallback= and telemetry: "tap", ...
[[nodiscard]] std::string_view name_of(Fallback fallback);

/// Parses the value of fallback=.
/// @return nullopt for an unknown value
[[nodiscard]] std::optional<WantedFallback> parse_fallback(std::string_view value);

/// The vdev of a port's fallback.
struct FallbackDevice {
    std::string name;      ///< "net_tap_vsc0"
    std::string arguments; ///< "remote=eth1"

    bool operator==(const FallbackDevice &) const = default;
};

/// "net_<kind>_vsc<number>"
[[nodiscard]] std::string fallback_device_name(Fallback kind, std::uint32_t number);

/// The inverse of fallback_device_name(): the <number>; nullopt for any other name.
[[nodiscard]] std::optional<std::uint32_t> fallback_device_number(std::string_view device_name);

/// The netdevice below a fallback.
struct FallbackNetdevice {
    std::string name; ///< must be safe_in_devargs()
    int ifindex = 0;
    std::optional<MacAddress> mac;
};

[[nodiscard]] FallbackDevice fallback_device(Fallback kind, std::uint32_t number,
                                             const FallbackNetdevice &netdevice);

/// The name of virtio_user's tap device in the kernel. It is unique for each netdevice of a network
/// namespace, so two processes do not collide.
[[nodiscard]] std::string virtio_user_tap(int ifindex);

/// What a kind needs and this machine lacks, in words for the user; empty: the kind works here.
using MissingParts = std::vector<std::string>;

struct FallbackChoice {
    std::optional<Fallback> kind; ///< nullopt: none works
    std::string reason;           ///< why auto chose it, for the user; empty without auto
    std::string problem;          ///< for the user; empty: the wanted one works
};

/// Chooses the wanted kind if it works here; with auto, the best kind that works.
/// @param missing  called at most once for each kind, and only for kinds that matter
[[nodiscard]] FallbackChoice choose_fallback(WantedFallback wanted,
                                             const std::function<MissingParts(Fallback)> &missing);

} // namespace netvsc
