// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/tap_device.hpp"

#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <utility>

namespace netvsc {

Result<TapDevice> TapDevice::create() {
    auto device = FileDescriptor::open("/dev/net/tun", O_RDWR);
    if (!device)
        return std::unexpected(std::move(device.error()));
    ifreq request{};
    std::strcpy(request.ifr_name, "vscprobe%d");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (::ioctl(device->get(), TUNSETIFF, &request) != 0)
        return system_error("create a tap device");
    const unsigned ifindex = ::if_nametoindex(request.ifr_name);
    if (ifindex == 0)
        return system_error(std::string("index of ") + request.ifr_name);
    return TapDevice(std::move(*device), static_cast<int>(ifindex));
}

} // namespace netvsc
