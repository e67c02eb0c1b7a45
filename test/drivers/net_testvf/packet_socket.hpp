// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "counters.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <linux/if_packet.h>
#include <memory>
#include <optional>
#include <sys/socket.h>

#include <rte_ether.h>

struct rte_mbuf;
struct rte_mempool;

namespace testvf {

/// A packet(7) socket on one netdevice that receives nothing: it sends, and holds memberships.
class PacketSocket {
public:
    [[nodiscard]] static netvsc::Result<PacketSocket> open(unsigned ifindex);

    /// Makes the netdevice receive more than its own address; ends with remove or the socket.
    /// @param type     PACKET_MR_PROMISC, PACKET_MR_ALLMULTI or PACKET_MR_UNICAST
    /// @param address  for PACKET_MR_UNICAST
    [[nodiscard]] netvsc::Result<void> add_membership(unsigned short type,
                                                      const rte_ether_addr *address = nullptr);
    [[nodiscard]] netvsc::Result<void> remove_membership(unsigned short type,
                                                         const rte_ether_addr *address = nullptr);
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    PacketSocket(unsigned ifindex, netvsc::FileDescriptor socket)
        : ifindex_(ifindex), socket_(std::move(socket)) {}

    [[nodiscard]] netvsc::Result<void> change_membership(int option, unsigned short type,
                                                         const rte_ether_addr *address);

    unsigned ifindex_;
    netvsc::FileDescriptor socket_;
};

/// A receive queue: a packet(7) socket read straight into mbufs.
/// It is open from its set-up until its release, because a burst may still be running when the
/// port is stopped; between start and stop it lets frames in, else it drops them.
class RxQueue {
public:
    /// @param gone  set when the netdevice is removed: the queue reads no more; must outlive this
    [[nodiscard]] static netvsc::Result<std::unique_ptr<RxQueue>>
    create(unsigned ifindex, std::uint16_t port, rte_mempool *pool, const std::atomic<bool> &gone);
    RxQueue(const RxQueue &) = delete;
    RxQueue &operator=(const RxQueue &) = delete;
    ~RxQueue();

    /// Lets frames in, having thrown away what a previous run left.
    [[nodiscard]] netvsc::Result<void> start();
    void stop();

    /// The group of sockets among which the kernel shares the netdevice's frames out, if any.
    [[nodiscard]] std::optional<std::uint16_t> fanout() const { return fanout_; }
    /// @param group  the one to join; nothing: a new one. The netdevice must be up.
    [[nodiscard]] netvsc::Result<void> join_fanout(std::optional<std::uint16_t> group);

    [[nodiscard]] std::uint16_t burst(rte_mbuf **packets, std::uint16_t count) noexcept;

    QueueCounters counters;
    Counter no_mbuf;
    /// Frames that the kernel dropped because the socket was full, since the last reset.
    [[nodiscard]] std::uint64_t missed();
    void reset_counters();

private:
    static constexpr std::uint16_t burst_max = 64;

    RxQueue(netvsc::FileDescriptor socket, std::uint16_t port, rte_mempool *pool,
            const std::atomic<bool> &gone);

    void arm(unsigned slot, rte_mbuf *mbuf);

    netvsc::FileDescriptor socket_;
    std::uint16_t port_;
    rte_mempool *pool_;
    const std::atomic<bool> &gone_;
    std::optional<std::uint16_t> fanout_;
    std::atomic<std::uint64_t> missed_ = 0;

    using Control = std::array<std::byte, CMSG_SPACE(sizeof(tpacket_auxdata))>;
    std::array<rte_mbuf *, burst_max> mbufs_ = {};
    std::array<mmsghdr, burst_max> messages_ = {};
    std::array<iovec, burst_max> buffers_ = {};
    alignas(cmsghdr) std::array<Control, burst_max> controls_ = {};
};

/// A transmit queue: a packet(7) socket that hands frames straight to the netdevice's driver.
class TxQueue {
public:
    static constexpr std::uint16_t segments_max = 8;

    /// @param gone  set when the netdevice is removed: the queue sends no more; must outlive this
    [[nodiscard]] static netvsc::Result<std::unique_ptr<TxQueue>>
    create(unsigned ifindex, const std::atomic<bool> &gone);

    [[nodiscard]] std::uint16_t burst(rte_mbuf **packets, std::uint16_t count) noexcept;

    QueueCounters counters;

private:
    static constexpr std::uint16_t batch_max = 32;

    TxQueue(PacketSocket socket, const std::atomic<bool> &gone)
        : socket_(std::move(socket)), gone_(gone) {}

    PacketSocket socket_;
    const std::atomic<bool> &gone_;
};

} // namespace testvf
