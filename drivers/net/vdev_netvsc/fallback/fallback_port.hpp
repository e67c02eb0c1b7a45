// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "core/fallback.hpp"
#include "netdev/netdevice_control.hpp"

#include <cstdint>
#include <memory>

#include <ethdev_driver.h>

namespace netvsc {

/// The ethdev port of a slow sub-device other than net_tap (which does all this itself): makes it
/// and the NetVSC netdevice below it act as one, by standing in for some of its PMD's operations.
///
/// - The netdevice is set up when the port is started.
/// - Promiscuous and multicast modes are the netdevice's. The kernel takes them back when the port
///   goes or the process is killed.
/// - The MTU and the MAC address that the application sets are the netdevice's, too; they stay.
/// - The port's link is up while the netdevice has a carrier.
///
/// Called by ethdev, in the threads that may configure the port: one at a time for each port.
class FallbackPort {
public:
    virtual ~FallbackPort() = default;
    FallbackPort(const FallbackPort &) = delete;
    FallbackPort &operator=(const FallbackPort &) = delete;

    /// Fits a port that has just been made (RTE_ETH_EVENT_NEW). Until forget() its operations are
    /// ours. A port that cannot be fitted stays as its PMD made it; the log says so.
    static void adapt(rte_eth_dev &port, Fallback kind, int ifindex);

    /// The port is being released (RTE_ETH_EVENT_DESTROY). Does nothing for any other port.
    static void forget(std::uint16_t port);

protected:
    /// @param port  must live until forget()
    FallbackPort(rte_eth_dev &port, NetdeviceControl netdevice);

    /// What an Rx queue is set up by, as ethdev's rx_queue_setup is given it.
    struct RxQueue {
        std::uint16_t queue;
        std::uint16_t descriptors;
        unsigned socket;
        const rte_eth_rxconf *configuration;
        rte_mempool *pool;
    };

    // Each returns 0 or a negative errno, as the operation in whose place it stands.
    virtual int info(rte_eth_dev_info &info);
    virtual int configure();
    virtual int set_up_rx_queue(const RxQueue &wanted);
    virtual int start();
    virtual int stop();
    virtual int close();
    virtual int update_link(int wait);
    virtual int set_mtu(std::uint16_t mtu);
    virtual int set_mac(rte_ether_addr &mac);

    [[nodiscard]] rte_eth_dev &port() const { return port_; }
    [[nodiscard]] NetdeviceControl &netdevice() { return netdevice_; }
    /// 0, or -EINVAL, which it logs, if there are not as many Tx queues as Rx queues.
    [[nodiscard]] int need_queue_pairs(Fallback kind) const;
    /// 0, or the negative errno of the failure, which it logs.
    [[nodiscard]] int outcome(const Result<void> &result) const;

private:
    struct Operations;

    int set_multicast(std::span<const rte_ether_addr> addresses);

    rte_eth_dev &port_;
    const eth_dev_ops &original_; ///< the PMD's
    NetdeviceControl netdevice_;
};

} // namespace netvsc
