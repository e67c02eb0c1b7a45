// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "core/fallback.hpp"
#include "netdev/netdevice_control.hpp"

#include <cstdint>
#include <memory>

#include <ethdev_driver.h>

namespace netvsc {

/// The ethdev port of a fallback other than net_tap, which does all this itself. Replaces some of
/// the PMD's operations, so that the port and the NetVSC netdevice below it behave as one device.
///
/// - A start of the port sets the netdevice up.
/// - Promiscuous and multicast modes apply to the netdevice. The kernel resets them when the port
/// is
///   closed or the process is killed.
/// - The MTU and the MAC address apply to the netdevice, too. They stay after the port is closed.
/// - The port's link is up while the netdevice has a carrier.
///
/// ethdev calls the operations in the threads that may configure the port, one at a time for each
/// port.
class FallbackPort {
public:
    virtual ~FallbackPort() = default;
    FallbackPort(const FallbackPort &) = delete;
    FallbackPort &operator=(const FallbackPort &) = delete;

    /// Adapts a new port (RTE_ETH_EVENT_NEW) until forget(). If that fails, logs it and leaves the
    /// port as its PMD created it.
    /// @param ifindex  of the NetVSC netdevice
    static void adapt(rte_eth_dev &port, Fallback kind, int ifindex);

    /// Releases a port that ethdev releases (RTE_ETH_EVENT_DESTROY). Does nothing for a port that
    /// is not adapted.
    static void forget(std::uint16_t port);

protected:
    /// @param port  must live until forget()
    FallbackPort(rte_eth_dev &port, NetdeviceControl netdevice);

    /// The parameters of ethdev's rx_queue_setup.
    struct RxQueue {
        std::uint16_t queue;
        std::uint16_t descriptors;
        unsigned socket;
        const rte_eth_rxconf *configuration;
        rte_mempool *pool;
    };

    // Each replaces an operation, and returns 0 or a negative errno.
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
    /// @return 0; -EINVAL, which it logs, if the numbers of Tx queues and Rx queues differ
    [[nodiscard]] int check_queue_pairs(Fallback kind) const;
    /// @return 0, or the negative errno of the failure, which it logs
    [[nodiscard]] int outcome(const Result<void> &result) const;

private:
    struct Operations;

    int set_multicast(std::span<const rte_ether_addr> addresses);

    rte_eth_dev &port_;
    const eth_dev_ops &original_; ///< the PMD's
    NetdeviceControl netdevice_;
};

} // namespace netvsc
