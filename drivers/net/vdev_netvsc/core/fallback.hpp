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

/// The kind of a port's slow sub-device, by the driver of DPDK's that it is: net_tap, ...
enum class Fallback { tap, af_packet, af_xdp, virtio_user };

/// What fallback= may ask for. nullopt: auto, the best that works.
using WantedFallback = std::optional<Fallback>;

/// All kinds, in the order in which auto prefers them: by the packets a second that an application
/// can forward, the fewer of those received and those sent (scripts/bench, fallback_mpps).
inline constexpr std::array fallbacks_by_preference{Fallback::af_packet, Fallback::virtio_user,
                                                    Fallback::tap, Fallback::af_xdp};

/// As fallback= and telemetry name it: "tap", ...
[[nodiscard]] std::string_view name_of(Fallback fallback);

/// The value of fallback=.
/// @return nullopt for one that is none of them
[[nodiscard]] std::optional<WantedFallback> parse_fallback(std::string_view value);

/// The slow sub-device of a port, as a vdev.
struct FallbackDevice {
    std::string name;      ///< "net_tap_vsc0"
    std::string arguments; ///< "remote=eth1"

    bool operator==(const FallbackDevice &) const = default;
};

/// "net_<kind>_vsc<number>"
[[nodiscard]] std::string fallback_device_name(Fallback kind, std::uint32_t number);

/// The <number> of a device that fallback_device_name() has named; nullopt for any other.
[[nodiscard]] std::optional<std::uint32_t> fallback_device_number(std::string_view device_name);

/// What a slow path is made over.
struct FallbackNetdevice {
    std::string name; ///< must be safe_in_devargs()
    int ifindex = 0;
    std::optional<MacAddress> mac;
};

[[nodiscard]] FallbackDevice fallback_device(Fallback kind, std::uint32_t number,
                                             const FallbackNetdevice &netdevice);

/// The name of the tap device that virtio_user has in the kernel. Two processes that use netdevices
/// of one network namespace do not meet by it.
[[nodiscard]] std::string virtio_user_tap(int ifindex);

/// What a kind needs and this machine has not, each in words for the user; empty: it works here.
using MissingParts = std::vector<std::string>;

struct FallbackChoice {
    std::optional<Fallback> kind; ///< nullopt: none works
    std::string problem;          ///< for the user; empty: the one wanted works
};

/// Chooses what is wanted if it works here, or with auto the best that does.
/// @param missing  asked once at most for each kind, and only for those that matter
[[nodiscard]] FallbackChoice choose_fallback(WantedFallback wanted,
                                             const std::function<MissingParts(Fallback)> &missing);

} // namespace netvsc
