// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback/fallback_port.hpp"

namespace netvsc {

/// A net_virtio_user port, whose packets the kernel's vhost-net hands to a tap device, joined with
/// the NetVSC netdevice: while it is started, the kernel's traffic control redirects what comes in
/// by either to the other.
class VirtioUserPort : public FallbackPort {
public:
    VirtioUserPort(rte_eth_dev &port, NetdeviceControl netdevice);
    ~VirtioUserPort() override;

private:
    int start() override;
    int stop() override;
    int update_link(int wait) override;
    /// Joins, or takes back what it has done to that end.
    void try_to_join();
    [[nodiscard]] Result<void> join();
    void part();

    bool started_ = false;
    bool joined_ = false;
};

} // namespace netvsc
