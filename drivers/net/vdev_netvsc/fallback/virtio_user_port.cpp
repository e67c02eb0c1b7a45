// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/virtio_user_port.hpp"

#include "base/file_descriptor.hpp"
#include "netdev/rtnl_lock.hpp"
#include "netlink/traffic_control.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

// The port would receive the frames that the kernel itself sends by the tap device (IPv6 neighbour
// discovery). The file does not exist in a kernel without IPv6.
void disable_ipv6(const std::string &tap) {
    const std::string path = "/proc/sys/net/ipv6/conf/" + tap + "/disable_ipv6";
    if (const auto setting = FileDescriptor::open(path, O_WRONLY))
        (void)setting->write("1", path);
}

} // namespace

VirtioUserPort::VirtioUserPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : FallbackPort(port, std::move(netdevice)) {}

VirtioUserPort::~VirtioUserPort() { disconnect(); }

int VirtioUserPort::start() {
    if (const int result = FallbackPort::start(); result != 0)
        return result;
    started_ = true;
    try_to_connect();
    return 0;
}

int VirtioUserPort::stop() {
    started_ = false;
    disconnect();
    return FallbackPort::stop();
}

// Retries what failed at the start.
int VirtioUserPort::update_link(int wait) {
    if (started_ && !connected_ && rtnl_available())
        try_to_connect();
    return FallbackPort::update_link(wait);
}

void VirtioUserPort::try_to_connect() {
    if (outcome(connect()) != 0)
        disconnect();
}

// The PMD has created the tap device.
Result<void> VirtioUserPort::connect() {
    const std::string name = virtio_user_tap(netdevice().ifindex());
    const int index = static_cast<int>(::if_nametoindex(name.c_str()));
    if (index == 0)
        return system_error("tap device " + name);
    const auto tap = NetdeviceControl::open(index);
    if (!tap)
        return std::unexpected(tap.error());
    disable_ipv6(name);
    if (auto up = tap->set_up(); !up)
        return up;
    const auto control = TrafficControl::open();
    if (!control)
        return std::unexpected(control.error());
    // The PMD (DPDK 22.11) attaches all queues to the tap device, not only the configured ones.
    if (auto spread = control->spread(index, port().data->nb_rx_queues); !spread)
        return spread;
    if (auto out = control->redirect(index, netdevice().ifindex()); !out)
        return out;
    connected_ = true;
    return control->redirect(netdevice().ifindex(), index);
}

// The tap device's own filters disappear with it.
void VirtioUserPort::disconnect() {
    if (!std::exchange(connected_, false))
        return;
    const auto control = TrafficControl::open();
    (void)outcome(control ? control->remove_redirect(netdevice().ifindex())
                          : std::unexpected(control.error()));
}

} // namespace netvsc
