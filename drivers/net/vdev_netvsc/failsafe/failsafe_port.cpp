// SPDX-License-Identifier: BSD-3-Clause
#include "failsafe/failsafe_port.hpp"

#include "base/parse_number.hpp"
#include "dpdk/adapted_operations.hpp"
#include "dpdk/dpdk_compat.hpp"
#include "dpdk/hotplug.hpp"
#include "dpdk/interrupt_thread.hpp"
#include "dpdk/log.hpp"
#include "failsafe/link_events.hpp"
#include "netdev/netdevice_control.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <unistd.h>

#include <dev_driver.h>
#include <ethdev_driver.h>
#include <rte_atomic.h>
#include <rte_dev.h>

namespace netvsc {
namespace {

constexpr std::string_view name_prefix = "net_failsafe_vsc";
constexpr std::string_view pipe_name = "fail-safe's pipe"; // in errors

// DPDK 22.11: a device whose probe failed stays on the bus and cannot be removed. Its name is not
// in use: the next attempt probes the same device again.
bool is_vdev_in_use(const std::string &name) {
    const rte_device *device = find_device("vdev", name);
    return device != nullptr && rte_dev_is_probed(device) != 0;
}

// DPDK 22.11: when fail-safe's port is closed, fail-safe does not wait for its own callback for
// RTE_ETH_EVENT_INTR_RMV in the interrupt thread. It frees the memory that this callback uses.
int close_with_pause(rte_eth_dev *port) {
    const InterruptThreadPause pause;
    return original_operations(*port).dev_close(port);
}

// DPDK 22.11: fail-safe reads the information of its sub-devices without its lock, even of one that
// it closes in the interrupt thread at the same time. A started port needs the pause for this.
// ethdev reads the information of a stopped port, too, while the application configures the port.
// After a pause there the interrupt thread would run between two steps of the application, and
// fail-safe would configure a new sub-device with queues that are not set up yet.
int get_info_with_pause(rte_eth_dev *port, rte_eth_dev_info *info) {
    std::optional<InterruptThreadPause> pause;
    if (port->data->dev_started != 0)
        pause.emplace();
    return original_operations(*port).dev_infos_get(port, info);
}

bool queues_are_set_up(const rte_eth_dev_data &data) {
    const auto is_set_up = [](const void *queue) { return queue != nullptr; };
    return std::all_of(data.rx_queues, data.rx_queues + data.nb_rx_queues, is_set_up) &&
           std::all_of(data.tx_queues, data.tx_queues + data.nb_tx_queues, is_set_up);
}

void replace_operations(eth_dev_ops &failsafe) {
    failsafe.dev_close = close_with_pause;
    failsafe.dev_infos_get = get_info_with_pause;
    failsafe.dev_configure = configure_without_registration;
}

} // namespace

Result<FailsafePort> FailsafePort::open(PortNumber number, FallbackSettings fallback) {
    auto pipe = Pipe::open();
    if (!pipe)
        return std::unexpected(std::move(pipe.error()));
    return FailsafePort(number, std::move(fallback), std::move(*pipe));
}

std::string FailsafePort::device_name(PortNumber number) { return port_name(number); }

std::optional<PortNumber> FailsafePort::number_of(std::string_view device_name) {
    if (!device_name.starts_with(name_prefix))
        return std::nullopt;
    return parse_number<PortNumber>(device_name.substr(name_prefix.size()));
}

Result<void> FailsafePort::create(std::chrono::milliseconds hotplug_poll) {
    const std::string name = device_name(number_);
    std::vector<std::string> names{name};
    // Sub-devices are the last arguments. DPDK 22.11: if other arguments follow them, fail-safe
    // reads beyond the end of the text, and may fail.
    std::string arguments = "hotplug_poll=" + std::to_string(hotplug_poll.count());
    // Always, although a fallback has the same address. DPDK 22.11: after one fail-safe port had a
    // mac argument, each later port of the process without one fails.
    if (fallback_.netdevice.mac)
        arguments += ",mac=" + fallback_.netdevice.mac->to_string();
    arguments += ",fd(" + std::to_string(pipe_.reader.get()) + ")";
    if (fallback_.kind) {
        const auto fallback = fallback_device(*fallback_.kind, number_, fallback_.netdevice);
        names.push_back(fallback.name);
        arguments += ",dev(" + fallback.name + "," + fallback.arguments + ")";
    }
    // Checked before: EAL would overwrite the arguments of a device that exists.
    for (const std::string &taken : names) {
        if (is_vdev_in_use(taken))
            return failure(EEXIST, "vdev " + taken);
    }
    // A packet socket cannot join a fanout group over a netdevice that is down.
    if (fallback_.kind && fallback_.kind != Fallback::tap) {
        const auto netdevice = NetdeviceControl::open(fallback_.netdevice.ifindex);
        const auto up = netdevice ? netdevice->set_up() : std::unexpected(netdevice.error());
        if (!up)
            return failure(up.error().number, name + ": " + up.error().context);
    }
    if (fallback_.kind)
        pause_lro();
    log(Message::Level::debug, name + ": arguments '" + arguments + "'");
    const int result = hotplug_add("vdev", name, arguments);
    if (result != 0) {
        // DPDK 22.11: fail-safe does not remove the fallback that it has created.
        if (has_fallback())
            rte_eal_hotplug_remove("vdev", names.back().c_str());
        return failure(-result, "vdev " + name + "," + arguments);
    }
    if (rte_eth_dev *device = ethdev()) {
        adapt_operations(*device, replace_operations);
        safe_rx_burst_ = device->rx_pkt_burst;
        safe_tx_burst_ = device->tx_pkt_burst;
    }
    if (fallback_.kind && !has_fallback())
        log(Message::Level::error,
            name + ": creation of fallback " + names.back() + " over " + fallback_.netdevice.name +
                " failed (see its messages above); fail-safe retries. Until then the port works "
                "only while it has a VF");
    return {};
}

// The application would receive frames above the MTU, and could not forward them.
void FailsafePort::pause_lro() {
    auto begun = LroPause::begin(fallback_.netdevice.ifindex);
    if (!begun) {
        log(Message::Level::warning, device_name(number_) + ": " + begun.error().message() +
                                         "; frames above the MTU may be received");
        return;
    }
    if (begun->active())
        log(Message::Level::notice, device_name(number_) + ": LRO of " + fallback_.netdevice.name +
                                        " is off until the port is closed");
    lro_pause_ = std::move(*begun);
}

rte_eth_dev *FailsafePort::ethdev() const {
    std::uint16_t port = 0;
    return rte_eth_dev_get_port_by_name(device_name(number_).c_str(), &port) == 0
               ? &rte_eth_devices[port]
               : nullptr;
}

std::optional<std::uint16_t> FailsafePort::port_id() const {
    const rte_eth_dev *device = ethdev();
    return device != nullptr ? std::optional(device->data->port_id) : std::nullopt;
}

bool FailsafePort::started() const {
    const rte_eth_dev *device = ethdev();
    return device != nullptr && device->data->dev_started != 0;
}

bool FailsafePort::half_configured() const {
    const rte_eth_dev *device = ethdev();
    return device != nullptr && !queues_are_set_up(*device->data);
}

bool FailsafePort::has_fallback() const {
    std::uint16_t port = 0;
    return fallback_.kind &&
           rte_eth_dev_get_port_by_name(fallback_device_name(*fallback_.kind, number_).c_str(),
                                        &port) == 0;
}

bool FailsafePort::link_up() const {
    const rte_eth_dev *device = ethdev();
    return device != nullptr && device->data->dev_link.link_status == RTE_ETH_LINK_UP;
}

void FailsafePort::refresh_link(bool reported_up) const {
    rte_eth_dev *device = ethdev();
    if (device == nullptr)
        return;
    device->dev_ops->link_update(device, 0);
    if (link_up() != reported_up)
        rte_eth_dev_callback_process(device, RTE_ETH_EVENT_INTR_LSC, nullptr);
}

void FailsafePort::use_safe_bursts() const {
    const rte_eth_dev *device = ethdev();
    if (device == nullptr || device->data->dev_started == 0 || safe_rx_burst_ == nullptr)
        return;
    struct rte_eth_fp_ops &fast_path = rte_eth_fp_ops[device->data->port_id];
    fast_path.rx_pkt_burst = safe_rx_burst_;
    fast_path.tx_pkt_burst = safe_tx_burst_;
    rte_wmb();
}

Result<void> FailsafePort::announce(const std::string &devargs) const {
    withdraw();
    const std::string line = devargs + "\n";
    static_assert(PIPE_BUF >= 4096);
    if (line.size() > PIPE_BUF) // write(2) may split a longer line (pipe(7))
        return failure(EMSGSIZE, "announce " + devargs);
    if (const auto written = pipe_.writer.write(line, pipe_name); !written)
        return std::unexpected(written.error());
    return {};
}

void FailsafePort::withdraw() const {
    std::array<char, PIPE_BUF> unread;
    while (pipe_.reader.read(unread, pipe_name).value_or(0) > 0)
        continue;
}

Result<void> close_failsafe_port(PortNumber number) {
    const std::string name = FailsafePort::device_name(number);
    std::uint16_t port = 0;
    if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0)
        return {};
    if (const int result = rte_eth_dev_stop(port); result != 0)
        return failure(-result, "stop port " + name);
    if (const int result = rte_eth_dev_close(port); result != 0)
        return failure(-result, "close port " + name);
    return {};
}

bool remove_failsafe_device(PortNumber number) {
    // An error if the device does not exist: the application has detached it before.
    const auto remove = [](const std::string &name) {
        return rte_eal_hotplug_remove("vdev", name.c_str()) == 0 || !is_vdev_in_use(name);
    };
    bool all_removed = remove(FailsafePort::device_name(number));
    // fail-safe has removed its fallback. After a failed create() the fallback may be left.
    for (const Fallback kind : fallbacks_by_preference) {
        const std::string fallback = fallback_device_name(kind, number);
        all_removed &= !is_vdev_in_use(fallback) || remove(fallback);
    }
    return all_removed;
}

} // namespace netvsc
