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

/// Sets how a netdevice of the kernel's works; move-only. It is known by its index, so that it may
/// change its name.
///
/// What it is to receive beyond its own address is held by a packet(7) socket, which gets no
/// frames itself: the kernel takes it back when the object goes, and also when the process is
/// killed. What the netdevice is otherwise set to stays.
class NetdeviceControl {
public:
    /// What a netdevice can be made to receive.
    enum class Reception { everything, all_multicast };

    /// Needs CAP_NET_RAW; the setters below need CAP_NET_ADMIN.
    [[nodiscard]] static Result<NetdeviceControl> open(int ifindex);

    [[nodiscard]] int ifindex() const { return ifindex_; }
    [[nodiscard]] Result<std::string> name() const;

    /// The setters below may be used: sets what is set. failure(EPERM) without CAP_NET_ADMIN.
    [[nodiscard]] Result<void> check_right() const;

    /// It is up and has a carrier (IFF_RUNNING).
    [[nodiscard]] Result<bool> running() const;
    [[nodiscard]] Result<void> set_up() const;
    /// @param mtu  bytes, without the Ethernet header
    [[nodiscard]] Result<void> set_mtu(int mtu) const;
    [[nodiscard]] Result<void> set_mac(const MacAddress &mac) const;

    /// How many channels (queues with an interrupt) it has. All 0 if it knows of none.
    struct Channels {
        std::uint32_t combined = 0;      ///< for both directions
        std::uint32_t most_combined = 0; ///< that it can have
        std::uint32_t rx = 0;            ///< for receiving only

        bool operator==(const Channels &) const = default;
    };
    [[nodiscard]] Result<Channels> channels() const;
    /// Frames may be lost meanwhile; many netdevices lose their carrier for a moment.
    [[nodiscard]] Result<void> set_combined_channels(std::uint32_t wanted) const;

    [[nodiscard]] Result<void> receive(Reception what, bool on);
    /// These multicast addresses, in place of those given before.
    [[nodiscard]] Result<void> receive_multicast(std::span<const MacAddress> addresses);

private:
    NetdeviceControl(int ifindex, FileDescriptor socket)
        : ifindex_(ifindex), socket_(std::move(socket)) {}

    [[nodiscard]] Result<ifreq> request() const;
    [[nodiscard]] Result<void> ask_channels(ethtool_channels &question) const;
    [[nodiscard]] Result<void> membership(int option, int type, const MacAddress *address) const;

    int ifindex_;
    FileDescriptor socket_;
    std::array<bool, 2> receives_{}; ///< by Reception
    std::vector<MacAddress> multicast_;
};

} // namespace netvsc
