// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "netlink/mac_address.hpp"

#include <array>
#include <cstdint>
#include <linux/ethtool.h>
#include <net/if.h>
#include <span>
#include <string>
#include <vector>

namespace netvsc {

/// Reads and changes the settings of one netdevice, identified by its ifindex, so that renames do
/// not matter; move-only. One thread at a time. Blocks while the kernel holds its rtnl lock.
///
/// A packet(7) socket, which receives no frames, holds the receive filter (set_rx_mode(),
/// set_multicast()). So the kernel undoes the filter when the object is destroyed or the process is
/// killed. The other settings stay.
class NetdeviceControl {
public:
    /// What a netdevice receives beside its own address.
    enum class RxMode { promiscuous, all_multicast };

    /// Needs CAP_NET_RAW. The setters below need CAP_NET_ADMIN.
    /// @return failure(ENODEV) if there is no netdevice @p ifindex
    [[nodiscard]] static Result<NetdeviceControl> open(int ifindex);

    [[nodiscard]] int ifindex() const { return ifindex_; }
    /// The present name.
    [[nodiscard]] Result<std::string> name() const;

    /// Checks that this process may use the setters below. Changes nothing.
    /// @return failure(EPERM) without CAP_NET_ADMIN
    [[nodiscard]] Result<void> check_permission() const;

    /// The netdevice is up (IFF_UP) and has a carrier (IFF_RUNNING).
    [[nodiscard]] Result<bool> running() const;
    [[nodiscard]] Result<void> set_up() const;
    [[nodiscard]] Result<void> set_down() const;
    /// Does nothing if the netdevice has this name already.
    /// @param name  1 to 15 characters
    /// @return failure(EBUSY) while the netdevice is up, failure(EEXIST) if another has the name
    [[nodiscard]] Result<void> set_name(const std::string &name) const;
    /// @param mtu  bytes, without the Ethernet header; the netdevice limits the range
    [[nodiscard]] Result<void> set_mtu(int mtu) const;
    /// Does nothing if the netdevice has this address already: a driver without
    /// IFF_LIVE_ADDR_CHANGE (hv_netvsc) refuses any address while its netdevice is up.
    /// @return failure(EBUSY) if it refuses
    [[nodiscard]] Result<void> set_mac(const MacAddress &mac) const;

    /// The name of its kernel driver.
    /// @return failure(EOPNOTSUPP) for a netdevice without one
    [[nodiscard]] Result<std::string> driver() const;
    /// The netdevice joins received frames of a TCP stream into one that may exceed the MTU (LRO,
    /// hv_netvsc's RSC). False also for a netdevice without this setting.
    [[nodiscard]] Result<bool> lro() const;
    [[nodiscard]] Result<void> set_lro(bool on) const;

    /// The numbers of channels (queues with an interrupt, ethtool(8)). All are 0 for a netdevice
    /// without this setting.
    struct Channels {
        std::uint32_t combined = 0;     ///< for both directions
        std::uint32_t max_combined = 0; ///< the maximum of `combined`
        std::uint32_t rx = 0;           ///< for receiving only

        bool operator==(const Channels &) const = default;
    };
    [[nodiscard]] Result<Channels> channels() const;
    /// Frames may be lost during the change, and many netdevices lose their carrier for a moment.
    /// @param wanted  1 to Channels::max_combined
    [[nodiscard]] Result<void> set_combined_channels(std::uint32_t wanted) const;

    [[nodiscard]] Result<void> set_rx_mode(RxMode mode, bool on);
    /// Receives these multicast addresses instead of the earlier ones. On failure the earlier ones
    /// stay.
    [[nodiscard]] Result<void> set_multicast(std::span<const MacAddress> addresses);

private:
    NetdeviceControl(int ifindex, FileDescriptor socket)
        : ifindex_(ifindex), socket_(std::move(socket)) {}

    [[nodiscard]] Result<ifreq> request() const;
    [[nodiscard]] Result<void> set_up(bool up) const;
    /// @param command  one of linux/ethtool.h
    /// @param what     its subject, for errors
    [[nodiscard]] Result<void> ethtool(void *command, const char *what) const;
    [[nodiscard]] Result<void> membership(int option, int type, const MacAddress *address) const;

    int ifindex_;
    FileDescriptor socket_;
    std::array<bool, 2> rx_modes_{}; ///< by RxMode
    std::vector<MacAddress> multicast_;
};

} // namespace netvsc
