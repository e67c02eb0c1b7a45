// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/af_xdp_port.hpp"

#include "dpdk/log.hpp"
#include "fallback/scratch_device.hpp"

#include <algorithm>
#include <array>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

// A socket's frame is an mbuf. The kernel leaves XDP_PACKET_HEADROOM free in front of the packet,
// and drops a packet that does not fit.
constexpr std::uint16_t max_frame = RTE_MBUF_DEFAULT_DATAROOM - XDP_PACKET_HEADROOM;
constexpr std::uint16_t max_mtu = max_frame - RTE_ETHER_HDR_LEN - RTE_VLAN_HLEN;

// Whether this thread has the capability.
bool has_capability(unsigned capability) {
    __user_cap_header_struct whose{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    return ::syscall(SYS_capget, &whose, sets.data()) == 0 &&
           (sets.at(CAP_TO_INDEX(capability)).effective & CAP_TO_MASK(capability)) != 0;
}

// The PMD does not report why the setup of a queue failed. The usual reason is this limit.
std::string about_locked_memory(const rte_mempool &pool) {
    constexpr unsigned kib = 1024;
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        has_capability(CAP_IPC_LOCK))
        return {};
    const std::size_t object = pool.header_size + pool.elt_size + pool.trailer_size;
    return "; the kernel locks the " + std::to_string(pool.populated_size * object / kib) +
           " KiB of the mbuf pool for it: it needs CAP_IPC_LOCK, or a higher limit (ulimit -l) "
           "than " +
           std::to_string(limit.rlim_cur / kib) + " KiB";
}

} // namespace

AfXdpPort::AfXdpPort(rte_eth_dev &port, NetdeviceControl netdevice)
    : FallbackPort(port, std::move(netdevice)),
      sockets_(this->netdevice().ifindex(), this->netdevice().driver() == "hv_netvsc"),
      journal_(this->netdevice().ifindex()) {}

int AfXdpPort::info(rte_eth_dev_info &info) {
    if (const int result = FallbackPort::info(info); result != 0)
        return result;
    const auto channels = netdevice().channels();
    const std::uint32_t most = channels ? channels->max_combined : 0;
    info.max_rx_queues =
        static_cast<std::uint16_t>(std::clamp(most, 1U, std::uint32_t{RTE_MAX_QUEUES_PER_PORT}));
    info.max_tx_queues = info.max_rx_queues;
    info.max_mtu = max_mtu;
    info.max_rx_pktlen = max_mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
    return 0;
}

int AfXdpPort::configure() {
    if (const int result = check_queue_pairs(Fallback::af_xdp); result != 0)
        return result;
    if (const std::uint16_t queues = port().data->nb_rx_queues; queues != 0) {
        if (const int result = prepare(queues); result != 0)
            return result;
    }
    return FallbackPort::configure();
}

// Closes the sockets, and the last one closes the XDP program, before the channels change: some
// netdevices refuse the change otherwise. A new device needs the channels.
int AfXdpPort::prepare(std::uint16_t queues) {
    if (!sockets_.empty()) {
        sockets_.collect();
        if (const int result = replace_device(1); result != 0)
            return result;
        sockets_.release();
    }
    if (const int result = outcome(set_channels(queues)); result != 0)
        return result;
    return queues == queues_ ? 0 : replace_device(queues);
}

Result<void> AfXdpPort::record_changes() {
    const auto recorded =
        journal_.record({.channels_before = channels_before_, .programs = sockets_.programs()});
    if (!recorded && recorded.error().number == EBUSY)
        return recorded;
    if (!recorded)
        log(Message::Level::warning, std::string(port().data->name) + ": " +
                                         recorded.error().message() +
                                         "; if the process is killed, its XDP program stays");
    return {};
}

int AfXdpPort::replace_device(std::uint16_t queues) {
    const auto name = netdevice().name();
    if (!name)
        return outcome(std::unexpected(name.error()));
    const int result = ScratchDevice::replace_private_data(
        port(), Fallback::af_xdp, "iface=" + *name + ",queue_count=" + std::to_string(queues));
    if (result == 0)
        queues_ = queues;
    return result;
}

Result<void> AfXdpPort::set_channels(std::uint16_t queues) {
    const auto present = netdevice().channels();
    if (!present)
        return std::unexpected(present.error());
    if (present->max_combined == 0) {
        // The PMD assumes that the netdevice has one channel.
        if (present->rx > 1)
            return failure(EOPNOTSUPP, "net_af_xdp would get the frames of only one of " +
                                           std::to_string(present->rx) + " Rx channels");
        return {};
    }
    if (present->combined == queues)
        return {};
    if (!channels_before_) {
        channels_before_ = present->combined;
        if (auto recorded = record_changes(); !recorded)
            return recorded;
    }
    return netdevice().set_combined_channels(queues);
}

int AfXdpPort::close() {
    sockets_.collect();
    const int result = FallbackPort::close();
    sockets_.release();
    if (!channels_before_ || outcome(netdevice().set_combined_channels(*channels_before_)) == 0)
        journal_.erase(); // otherwise the next process retries
    return result;
}

int AfXdpPort::set_up_rx_queue(const RxQueue &wanted) {
    const int result = sockets_.set_up_queue(
        {.number = wanted.queue, .descriptors = wanted.descriptors, .pool = *wanted.pool},
        [&] { return FallbackPort::set_up_rx_queue(wanted); });
    if (result == 0)
        return outcome(record_changes());
    log(Message::Level::error, std::string(port().data->name) + ": Rx queue " +
                                   std::to_string(wanted.queue) + ": no AF_XDP socket" +
                                   about_locked_memory(*wanted.pool));
    return result;
}

} // namespace netvsc
