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

// What the kernel itself would send by the tap (IPv6's neighbour discovery) would be taken for
// frames received. Where there is no IPv6 there is nothing to be switched off.
void switch_ipv6_off(const std::string &tap) {
    const std::string path = "/proc/sys/net/ipv6/conf/" + tap + "/disable_ipv6";
    const FileDescriptor setting(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (setting.valid())
        (void)!::write(setting.get(), "1", 1);
}

} // namespace

VirtioUserPort::VirtioUserPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : FallbackPort(port, std::move(netdevice)) {}

VirtioUserPort::~VirtioUserPort() { part(); }

int VirtioUserPort::start() {
    if (const int result = FallbackPort::start(); result != 0)
        return result;
    started_ = true;
    try_to_join();
    return 0;
}

int VirtioUserPort::stop() {
    started_ = false;
    part();
    return FallbackPort::stop();
}

// What could not be done when it was started is tried again.
int VirtioUserPort::update_link(int wait) {
    if (started_ && !joined_ && rtnl_available())
        try_to_join();
    return FallbackPort::update_link(wait);
}

void VirtioUserPort::try_to_join() {
    if (outcome(join()) != 0)
        part();
}

// The PMD has made the tap device.
Result<void> VirtioUserPort::join() {
    const std::string name = virtio_user_tap(netdevice().ifindex());
    const int index = static_cast<int>(::if_nametoindex(name.c_str()));
    if (index == 0)
        return system_error("tap device " + name);
    const auto tap = NetdeviceControl::open(index);
    if (!tap)
        return std::unexpected(tap.error());
    switch_ipv6_off(name);
    if (auto up = tap->set_up(); !up)
        return up;
    const auto control = TrafficControl::open();
    if (!control)
        return std::unexpected(control.error());
    // The PMD (of DPDK 22.11) attaches all queues to the tap, whatever was configured.
    if (auto spread = control->spread(index, port().data->nb_rx_queues); !spread)
        return spread;
    if (auto out = control->redirect(index, netdevice().ifindex()); !out)
        return out;
    joined_ = true;
    return control->redirect(netdevice().ifindex(), index);
}

// What is at the tap device goes with it.
void VirtioUserPort::part() {
    if (!std::exchange(joined_, false))
        return;
    const auto control = TrafficControl::open();
    (void)outcome(control ? control->remove_redirect(netdevice().ifindex())
                          : std::unexpected(control.error()));
}

} // namespace netvsc
