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
/// The PMD fixes the number of queues when the device is created, and can set up a queue only once.
/// So at each new configuration the port gets the private data of a new device, and the driver
/// releases what the PMD keeps of the old sockets.
///
/// The kernel distributes frames over all channels of the netdevice. Frames of a channel without a
/// socket go to the kernel's own stack. So the netdevice has as many channels as the port has
/// queues, until the port is closed.
class AfXdpPort : public FallbackPort {
public:
    AfXdpPort(rte_eth_dev &port, NetdeviceControl netdevice);

private:
    int info(rte_eth_dev_info &info) override;
    int configure() override;
    int set_up_rx_queue(const RxQueue &wanted) override;
    int close() override;
    [[nodiscard]] int prepare(std::uint16_t queues);
    [[nodiscard]] int replace_device(std::uint16_t queues);
    [[nodiscard]] Result<void> set_channels(std::uint16_t queues);
    [[nodiscard]] Result<void> record_changes();

    std::uint16_t queues_ = 1;
    XdpSockets sockets_;
    std::optional<std::uint32_t> channels_before_; ///< nullopt: not changed
    XdpJournal journal_;
};

} // namespace netvsc
