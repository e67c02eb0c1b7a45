// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback/fallback_port.hpp"

namespace netvsc {

/// A net_af_packet port that has as many queues as the application configures.
///
/// The PMD opens one socket for each queue when the device is created. The kernel distributes
/// frames over all sockets, so the frames of a socket that nobody polls are lost. When the
/// application configures another number of queues, the port gets the sockets of a new device.
class AfPacketPort : public FallbackPort {
public:
    AfPacketPort(rte_eth_dev &port, NetdeviceControl netdevice);

private:
    int info(rte_eth_dev_info &info) override;
    int configure() override;
    [[nodiscard]] int resize(std::uint16_t queues);

    std::uint16_t queues_ = 1;
};

} // namespace netvsc
