// SPDX-License-Identifier: BSD-3-Clause
#include "backend/vhost_kernel/tap.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <utility>

namespace netvsc::virtio {

Result<TapQueue> TapQueue::attach(const std::string &name) {
    FileDescriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!device.valid())
        return system_error("open /dev/net/tun");
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name)
        return failure(ENAMETOOLONG, "netdevice " + name);
    std::strcpy(request.ifr_name, name.c_str());
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
    if (::ioctl(device.get(), TUNSETIFF, &request) != 0)
        return system_error("attach to tap device " + name);
    int header = 12; // virtio 1.2, 5.1.6
    if (::ioctl(device.get(), TUNSETVNETHDRSZ, &header) != 0)
        return system_error("virtio-net header of tap device " + name);
    // Without a limit: vhost-net's own limit is the ring.
    int limit = INT_MAX;
    if (::ioctl(device.get(), TUNSETSNDBUF, &limit) != 0)
        return system_error("send buffer of tap device " + name);
    return TapQueue(std::move(device), request.ifr_name);
}

Result<void> TapQueue::set_offloads(unsigned flags) const {
    if (::ioctl(device_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(flags)) != 0)
        return system_error("offloads of tap device " + name_);
    return {};
}

Result<void> TapQueue::set_mac(const MacAddress &mac) const {
    ifreq request{};
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::ranges::copy(mac.bytes, request.ifr_hwaddr.sa_data);
    if (::ioctl(device_.get(), SIOCSIFHWADDR, &request) != 0)
        return system_error("address of tap device " + name_);
    return {};
}

bool TapQueue::up() const {
    ifreq request{};
    // tun's own answer has IFF_TAP and the like in place of IFF_UP: a socket's has it.
    const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::strcpy(request.ifr_name, name_.c_str());
    return ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

} // namespace netvsc::virtio
