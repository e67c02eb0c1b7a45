// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/netdevice_control.hpp"

#include <algorithm>
#include <cstring>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace netvsc {
namespace {

std::string netdevice(int ifindex) { return "netdevice " + std::to_string(ifindex); }

} // namespace

Result<NetdeviceControl> NetdeviceControl::open(int ifindex) {
    // Protocol 0: the kernel delivers no frame to the socket (packet(7)).
    FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket.valid())
        return system_error("socket AF_PACKET");
    NetdeviceControl control(ifindex, std::move(socket));
    if (auto exists = control.request(); !exists)
        return std::unexpected(std::move(exists.error()));
    return control;
}

// A request with the netdevice's present name.
Result<ifreq> NetdeviceControl::request() const {
    ifreq request{};
    request.ifr_ifindex = ifindex_;
    if (::ioctl(socket_.get(), SIOCGIFNAME, &request) != 0)
        return system_error("SIOCGIFNAME " + netdevice(ifindex_));
    return request;
}

Result<std::string> NetdeviceControl::name() const {
    const auto found = request();
    if (!found)
        return std::unexpected(found.error());
    return std::string(found->ifr_name);
}

Result<void> NetdeviceControl::check_permission() const {
    auto present = request();
    if (!present)
        return std::unexpected(std::move(present.error()));
    // The kernel checks the permission first, and ignores an MTU that is already set.
    if (::ioctl(socket_.get(), SIOCGIFMTU, &*present) != 0 ||
        ::ioctl(socket_.get(), SIOCSIFMTU, &*present) != 0)
        return system_error("set " + netdevice(ifindex_));
    return {};
}

Result<bool> NetdeviceControl::running() const {
    auto flags = request();
    if (!flags)
        return std::unexpected(std::move(flags.error()));
    if (::ioctl(socket_.get(), SIOCGIFFLAGS, &*flags) != 0)
        return system_error("SIOCGIFFLAGS " + netdevice(ifindex_));
    return (flags->ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

Result<void> NetdeviceControl::set_up(bool up) const {
    auto flags = request();
    if (!flags)
        return std::unexpected(std::move(flags.error()));
    if (::ioctl(socket_.get(), SIOCGIFFLAGS, &*flags) != 0)
        return system_error("SIOCGIFFLAGS " + netdevice(ifindex_));
    if (((flags->ifr_flags & IFF_UP) != 0) == up)
        return {};
    flags->ifr_flags = static_cast<short>(flags->ifr_flags ^ IFF_UP);
    if (::ioctl(socket_.get(), SIOCSIFFLAGS, &*flags) != 0)
        return system_error((up ? "set up " : "set down ") + netdevice(ifindex_));
    return {};
}

Result<void> NetdeviceControl::set_up() const { return set_up(true); }

Result<void> NetdeviceControl::set_down() const { return set_up(false); }

Result<void> NetdeviceControl::set_name(const std::string &name) const {
    auto change = request();
    if (!change)
        return std::unexpected(std::move(change.error()));
    if (name == change->ifr_name)
        return {};
    if (name.empty() || name.size() >= sizeof change->ifr_newname)
        return failure(EINVAL, "netdevice name '" + name + "'");
    std::memset(change->ifr_newname, 0, sizeof change->ifr_newname);
    std::memcpy(change->ifr_newname, name.data(), name.size());
    if (::ioctl(socket_.get(), SIOCSIFNAME, &*change) != 0)
        return system_error("rename " + netdevice(ifindex_) + " to " + name);
    return {};
}

Result<void> NetdeviceControl::set_mtu(int mtu) const {
    auto change = request();
    if (!change)
        return std::unexpected(std::move(change.error()));
    change->ifr_mtu = mtu;
    if (::ioctl(socket_.get(), SIOCSIFMTU, &*change) != 0)
        return system_error("set MTU " + std::to_string(mtu) + " of " + netdevice(ifindex_));
    return {};
}

Result<void> NetdeviceControl::set_mac(const MacAddress &mac) const {
    auto change = request();
    if (!change)
        return std::unexpected(std::move(change.error()));
    auto present = *change;
    if (::ioctl(socket_.get(), SIOCGIFHWADDR, &present) != 0)
        return system_error("SIOCGIFHWADDR " + netdevice(ifindex_));
    if (std::memcmp(present.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size()) == 0)
        return {};
    change->ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(change->ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
    if (::ioctl(socket_.get(), SIOCSIFHWADDR, &*change) != 0)
        return system_error("set MAC address " + mac.to_string() + " of " + netdevice(ifindex_));
    return {};
}

Result<void> NetdeviceControl::ethtool(void *command, const char *what) const {
    auto about = request();
    if (!about)
        return std::unexpected(std::move(about.error()));
    about->ifr_data = static_cast<char *>(command);
    if (::ioctl(socket_.get(), SIOCETHTOOL, &*about) != 0)
        return system_error(std::string(what) + " of " + netdevice(ifindex_));
    return {};
}

Result<std::string> NetdeviceControl::driver() const {
    ethtool_drvinfo answer{};
    answer.cmd = ETHTOOL_GDRVINFO;
    if (auto asked = ethtool(&answer, "driver"); !asked)
        return std::unexpected(std::move(asked.error()));
    return std::string(answer.driver, ::strnlen(answer.driver, sizeof answer.driver));
}

Result<bool> NetdeviceControl::lro() const {
    ethtool_value flags{.cmd = ETHTOOL_GFLAGS, .data = 0};
    if (auto asked = ethtool(&flags, "LRO"); !asked)
        return std::unexpected(std::move(asked.error()));
    return (flags.data & ETH_FLAG_LRO) != 0;
}

Result<void> NetdeviceControl::set_lro(bool on) const {
    ethtool_value flags{.cmd = ETHTOOL_GFLAGS, .data = 0};
    if (auto asked = ethtool(&flags, "LRO"); !asked)
        return asked;
    flags.cmd = ETHTOOL_SFLAGS; // keeps the other flags
    flags.data = on ? flags.data | ETH_FLAG_LRO : flags.data & ~std::uint32_t{ETH_FLAG_LRO};
    return ethtool(&flags, "set LRO");
}

Result<NetdeviceControl::Channels> NetdeviceControl::channels() const {
    ethtool_channels answer{};
    answer.cmd = ETHTOOL_GCHANNELS;
    const auto asked = ethtool(&answer, "channels");
    if (!asked && asked.error().number == EOPNOTSUPP)
        return Channels{};
    if (!asked)
        return std::unexpected(asked.error());
    return Channels{.combined = answer.combined_count,
                    .max_combined = answer.max_combined,
                    .rx = answer.rx_count};
}

Result<void> NetdeviceControl::set_combined_channels(std::uint32_t wanted) const {
    ethtool_channels change{};
    change.cmd = ETHTOOL_GCHANNELS; // keeps the other numbers
    auto done = ethtool(&change, "channels");
    if (done) {
        change.cmd = ETHTOOL_SCHANNELS;
        change.combined_count = wanted;
        done = ethtool(&change, "channels");
    }
    if (!done)
        done.error().context =
            "set " + std::to_string(wanted) + " combined " + done.error().context;
    return done;
}

Result<void> NetdeviceControl::set_rx_mode(RxMode mode, bool on) {
    bool &current = rx_modes_.at(static_cast<std::size_t>(mode));
    if (current == on)
        return {}; // the kernel counts memberships, so a second one would have to be dropped twice
    auto done =
        membership(on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP,
                   mode == RxMode::promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI, nullptr);
    if (done)
        current = on;
    return done;
}

Result<void> NetdeviceControl::set_multicast(std::span<const MacAddress> addresses) {
    // Adds before it drops: the kernel counts memberships, so an address in both lists has no gap.
    std::vector<MacAddress> held;
    for (const MacAddress &address : addresses) {
        if (auto added = membership(PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST, &address); !added) {
            for (const MacAddress &undone : held)
                (void)membership(PACKET_DROP_MEMBERSHIP, PACKET_MR_MULTICAST, &undone);
            return added;
        }
        held.push_back(address);
    }
    std::swap(multicast_, held);
    for (const MacAddress &old : held)
        (void)membership(PACKET_DROP_MEMBERSHIP, PACKET_MR_MULTICAST, &old);
    return {};
}

Result<void> NetdeviceControl::membership(int option, int type, const MacAddress *address) const {
    packet_mreq request{};
    request.mr_ifindex = ifindex_;
    request.mr_type = static_cast<unsigned short>(type);
    if (address != nullptr) {
        request.mr_alen = static_cast<unsigned short>(address->bytes.size());
        std::memcpy(request.mr_address, address->bytes.data(), address->bytes.size());
    }
    if (::setsockopt(socket_.get(), SOL_PACKET, option, &request, sizeof request) != 0)
        return system_error("packet membership of " + netdevice(ifindex_));
    return {};
}

} // namespace netvsc
