// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fallback/af_xdp/xdp_journal.hpp"
#include "fallback/af_xdp/xdp_sockets.hpp"
#include "fallback/fallback_port.hpp"

#include <optional>

namespace netvsc {

/// A net_af_xdp port that has as many queues as the application configures, and may be configured
/// again.
///
/// The PMD fixes the number of queues when the device is made, and opens a socket when a queue is
/// set up, once. So the port gets the private data of a new device whenever either has to change,
/// and what the PMD keeps of the old sockets is released here. The kernel spreads frames over all
/// channels of the netdevice, and its own stack has those of a channel without a socket: the
/// netdevice is made to have as many as there are queues until the port goes.
class AfXdpPort : public FallbackPort {
public:
    AfXdpPort(rte_eth_dev &port, NetdeviceControl netdevice);

private:
    int info(rte_eth_dev_info &info) override;
    int configure() override;
    int set_up_rx_queue(const RxQueue &wanted) override;
    int close() override;
    [[nodiscard]] int prepare(std::uint16_t queues);
    [[nodiscard]] int renew(std::uint16_t queues);
    [[nodiscard]] Result<void> have_channels(std::uint16_t queues);
    [[nodiscard]] Result<void> record_changes();

    std::uint16_t queues_ = 1;
    XdpSockets sockets_;
    std::optional<std::uint32_t> channels_before_; ///< once they were changed
    XdpJournal journal_;
};

} // namespace netvsc
