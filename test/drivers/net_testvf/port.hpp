// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "args.hpp"
#include "link_watch.hpp"
#include "netdevice.hpp"
#include "packet_socket.hpp"

#include <atomic>
#include <memory>
#include <optional>

#include <ethdev_driver.h>

namespace testvf {

/// One ethdev over a PCI function's netdevice. Functions give 0 or a negative errno value, as
/// ethdev wants it.
class Port {
public:
    static constexpr std::uint16_t queues_max = 8;
    static constexpr std::uint16_t mtu_max = 9000;
    /// What an MTU does not count of a frame: Ethernet header and one VLAN tag.
    static constexpr std::uint16_t frame_overhead = RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;

    /// @param ethdev     the port being made
    /// @param netdevice  what it drives
    /// @param args       what it is to be like
    [[nodiscard]] static netvsc::Result<std::unique_ptr<Port>>
    create(rte_eth_dev *ethdev, const std::shared_ptr<const Netdevice> &netdevice,
           const Args &args);

    [[nodiscard]] static Port &of(rte_eth_dev *ethdev) {
        return *static_cast<Port *>(ethdev->data->dev_private);
    }

    ~Port();
    Port(const Port &) = delete;
    Port &operator=(const Port &) = delete;

    /// The netdevice's index, for dev_infos_get. Takes the time that the device argument sets.
    [[nodiscard]] unsigned ifindex();
    [[nodiscard]] const rte_ether_addr &mac() const { return own_mac_; }
    [[nodiscard]] bool gone() const { return watch_->gone(); }

    [[nodiscard]] int start();
    void stop();
    [[nodiscard]] int set_up_rx_queue(std::uint16_t index, rte_mempool *pool);
    [[nodiscard]] int set_up_tx_queue(std::uint16_t index);
    void release_rx_queue(std::uint16_t index);
    void release_tx_queue(std::uint16_t index);

    [[nodiscard]] int set_link_up(bool up);
    [[nodiscard]] int update_link();
    [[nodiscard]] int set_promiscuous(bool on);
    [[nodiscard]] int set_all_multicast(bool on);
    [[nodiscard]] int set_mtu(std::uint16_t mtu);
    [[nodiscard]] int set_mac(const rte_ether_addr &address);
    void get_stats(rte_eth_stats &stats);
    void reset_stats();

private:
    Port(rte_eth_dev *ethdev, std::shared_ptr<const Netdevice> netdevice, PacketSocket memberships,
         LinkWatch::Pointer watch, const rte_ether_addr &mac, const Args &args);

    [[nodiscard]] RxQueue *rx_queue(std::uint16_t index) const {
        return static_cast<RxQueue *>(ethdev_->data->rx_queues[index]);
    }
    [[nodiscard]] TxQueue *tx_queue(std::uint16_t index) const {
        return static_cast<TxQueue *>(ethdev_->data->tx_queues[index]);
    }
    [[nodiscard]] netvsc::Result<void> start_netdevice();
    [[nodiscard]] netvsc::Result<void> share_out_among_rx_queues();
    [[nodiscard]] int set_membership(bool &present, bool wanted, unsigned short type);
    void take_time(const char *what, std::chrono::milliseconds length) const;
    /// 0, or the error, which is logged.
    [[nodiscard]] int report(const netvsc::Result<void> &result) const;

    rte_eth_dev *const ethdev_;
    const std::shared_ptr<const Netdevice> netdevice_;
    PacketSocket memberships_;
    LinkWatch::Pointer watch_;
    const rte_ether_addr own_mac_;
    const Args args_;
    std::atomic<bool> being_asked_ = false;
    std::optional<rte_ether_addr> other_mac_; ///< set by the application in place of own_mac_
    bool promiscuous_ = false;
    bool all_multicast_ = false;
};

} // namespace testvf
