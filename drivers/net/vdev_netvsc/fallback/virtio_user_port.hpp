// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback/fallback_port.hpp"

namespace netvsc {

/// A net_virtio_user port. The kernel's vhost-net moves its packets to and from a tap device. While
/// the port is started, the kernel's traffic control redirects the frames that arrive at the tap
/// device to the NetVSC netdevice, and the other way round.
class VirtioUserPort : public FallbackPort {
public:
    VirtioUserPort(rte_eth_dev &port, NetdeviceControl netdevice);
    ~VirtioUserPort() override;

private:
    int start() override;
    int stop() override;
    int update_link(int wait) override;
    /// Connects the two devices. Logs a failure, and then undoes what it has done.
    void try_to_connect();
    [[nodiscard]] Result<void> connect();
    void disconnect();

    bool started_ = false;
    bool connected_ = false;
};

} // namespace netvsc
