// SPDX-License-Identifier: BSD-3-Clause
#include "netdevice.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace testvf {

namespace filesystem = std::filesystem;
using netvsc::Result;

namespace {

/// The names in a folder, sorted; none if it cannot be read.
std::vector<std::string> names_in(const filesystem::path &folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
        names.push_back(entry->path().filename());
    std::ranges::sort(names);
    return names;
}

/// Hyper-V's VMBus devices have a class_id, PCI functions have none.
bool is_netvsc(const std::string &name) {
    std::error_code error;
    return filesystem::exists("/sys/class/net/" + name + "/device/class_id", error);
}

std::uint32_t read_speed(const char *name) {
    std::ifstream file(std::string("/sys/class/net/") + name + "/speed");
    long speed = -1;
    // Netdevices that have no speed give -1 or an error, by driver.
    if (!(file >> speed) || speed < 0)
        return RTE_ETH_SPEED_NUM_UNKNOWN;
    return static_cast<std::uint32_t>(speed);
}

} // namespace

std::optional<std::string> find_netdevice(const std::string &pci_folder) {
    // A virtio NIC's netdevice belongs to its virtio device, which belongs to the PCI function.
    std::vector<filesystem::path> folders = {filesystem::path(pci_folder) / "net"};
    for (const auto &name : names_in(pci_folder))
        if (name.starts_with("virtio"))
            folders.push_back(filesystem::path(pci_folder) / name / "net");
    for (const auto &folder : folders)
        for (const auto &name : names_in(folder))
            if (!is_netvsc(name))
                return name;
    return std::nullopt;
}

Result<Netdevice> Netdevice::open(const std::string &name) {
    netvsc::FileDescriptor control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!control.valid())
        return netvsc::system_error("socket");
    const unsigned index = if_nametoindex(name.c_str());
    if (index == 0)
        return netvsc::system_error("index of netdevice " + name);
    return Netdevice(index, std::move(control));
}

Result<void> Netdevice::request(unsigned long number, const char *name, ifreq &argument) const {
    ifreq named = {};
    named.ifr_ifindex = static_cast<int>(index_);
    if (ioctl(control_.get(), SIOCGIFNAME, &named) < 0)
        return netvsc::system_error("SIOCGIFNAME");
    std::memcpy(argument.ifr_name, named.ifr_name, sizeof(argument.ifr_name));
    if (ioctl(control_.get(), number, &argument) < 0)
        return netvsc::system_error(std::string(name) + " " + argument.ifr_name);
    return {};
}

Result<rte_ether_addr> Netdevice::mac() const {
    ifreq argument = {};
    if (auto done = request(SIOCGIFHWADDR, "SIOCGIFHWADDR", argument); !done)
        return std::unexpected(done.error());
    if (argument.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return netvsc::failure(EINVAL, std::string(argument.ifr_name) + " is not Ethernet");
    rte_ether_addr address = {};
    std::memcpy(address.addr_bytes, argument.ifr_hwaddr.sa_data, sizeof(address.addr_bytes));
    return address;
}

Result<void> Netdevice::set_up(bool up) const {
    ifreq argument = {};
    if (auto done = request(SIOCGIFFLAGS, "SIOCGIFFLAGS", argument); !done)
        return done;
    const bool is_up = (argument.ifr_flags & IFF_UP) != 0;
    if (is_up == up)
        return {};
    argument.ifr_flags = static_cast<short>(argument.ifr_flags ^ IFF_UP);
    return request(SIOCSIFFLAGS, "SIOCSIFFLAGS", argument);
}

Result<void> Netdevice::set_mtu(std::uint16_t mtu) const {
    ifreq argument = {};
    if (auto done = request(SIOCGIFMTU, "SIOCGIFMTU", argument); !done)
        return done;
    if (argument.ifr_mtu == mtu)
        return {};
    argument.ifr_mtu = mtu;
    return request(SIOCSIFMTU, "SIOCSIFMTU", argument);
}

void Netdevice::receive_frames_unmerged() const {
    ethtool_value value = {.cmd = ETHTOOL_SGRO, .data = 0};
    ifreq argument = {};
    argument.ifr_data = reinterpret_cast<char *>(&value);
    std::ignore = request(SIOCETHTOOL, "ETHTOOL_SGRO", argument);
    value = {.cmd = ETHTOOL_GFLAGS, .data = 0};
    if (!request(SIOCETHTOOL, "ETHTOOL_GFLAGS", argument) || (value.data & ETH_FLAG_LRO) == 0)
        return;
    value.cmd = ETHTOOL_SFLAGS;
    value.data &= ~static_cast<std::uint32_t>(ETH_FLAG_LRO);
    std::ignore = request(SIOCETHTOOL, "ETHTOOL_SFLAGS", argument);
}

rte_eth_link Netdevice::link() const {
    rte_eth_link link = {};
    link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
    link.link_autoneg = RTE_ETH_LINK_AUTONEG;
    ifreq argument = {};
    if (!request(SIOCGIFFLAGS, "SIOCGIFFLAGS", argument))
        return link;
    constexpr short ready = IFF_UP | IFF_RUNNING;
    if ((argument.ifr_flags & ready) != ready)
        return link;
    link.link_status = RTE_ETH_LINK_UP;
    link.link_speed = read_speed(argument.ifr_name);
    return link;
}

} // namespace testvf
