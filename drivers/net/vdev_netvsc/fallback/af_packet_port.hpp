// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback/fallback_port.hpp"

namespace netvsc {

/// A net_af_packet port that has as many queues as the application configures.
///
/// The PMD opens its sockets, one for each queue, when the device is made, and the kernel spreads
/// frames over all of them: what comes to one that nobody polls is lost. So whenever another
/// number of queues is configured, the port gets the sockets of a new device that has as many.
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
