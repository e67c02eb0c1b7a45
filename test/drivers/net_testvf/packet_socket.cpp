// SPDX-License-Identifier: BSD-3-Clause
#include "packet_socket.hpp"

#include "checksums.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <span>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

namespace testvf {

using netvsc::FileDescriptor;
using netvsc::Result;

namespace {

/// Room for some thousand frames: an lcore on a busy machine may not poll for a while.
constexpr int socket_buffer = 4 << 20;

template <typename T> int set_option(int fd, int level, int option, const T &value) {
    return setsockopt(fd, level, option, &value, sizeof(value));
}

Result<FileDescriptor> open_socket(unsigned ifindex, std::uint16_t protocol) {
    // Made without a protocol: with one it would receive from every netdevice until it is bound.
    FileDescriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid())
        return netvsc::system_error("packet socket");
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, socket_buffer);
    set_option(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, socket_buffer);
    const sockaddr_ll address = {.sll_family = AF_PACKET,
                                 .sll_protocol = htons(protocol),
                                 .sll_ifindex = static_cast<int>(ifindex),
                                 .sll_hatype = 0,
                                 .sll_pkttype = 0,
                                 .sll_halen = 0,
                                 .sll_addr = {}};
    if (bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) < 0)
        return netvsc::system_error("bind packet socket");
    return fd;
}

Result<void> attach_filter(int fd, std::span<sock_filter> instructions) {
    const sock_fprog program = {.len = static_cast<unsigned short>(instructions.size()),
                                .filter = instructions.data()};
    if (set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, program) < 0)
        return netvsc::system_error("SO_ATTACH_FILTER");
    return {};
}

Result<void> accept_nothing(int fd) {
    std::array drop = {sock_filter{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0}};
    return attach_filter(fd, drop);
}

/// All but what the kernel itself sends: PACKET_IGNORE_OUTGOING alone is not enough, since
/// kernels before 6.9 forget it for sockets in a fanout group.
Result<void> accept_incoming(int fd) {
    std::array accept = {
        sock_filter{.code = BPF_LD | BPF_B | BPF_ABS,
                    .jt = 0,
                    .jf = 0,
                    .k = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)},
        sock_filter{.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = PACKET_OUTGOING},
        sock_filter{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0},
        sock_filter{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0xffffffff},
    };
    return attach_filter(fd, accept);
}

/// The kernel takes the VLAN tag out of the frame before it reaches a packet socket; the wire had
/// it there.
bool restore_vlan_tag(rte_mbuf *mbuf, const msghdr &message) {
    const cmsghdr *control = CMSG_FIRSTHDR(&message);
    if (control == nullptr || control->cmsg_level != SOL_PACKET ||
        control->cmsg_type != PACKET_AUXDATA)
        return true;
    tpacket_auxdata auxiliary;
    std::memcpy(&auxiliary, CMSG_DATA(control), sizeof(auxiliary));
    if ((auxiliary.tp_status & TP_STATUS_VLAN_VALID) == 0)
        return true;
    const bool has_tpid = (auxiliary.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    const std::array<std::uint16_t, 2> tag = {
        htons(has_tpid ? auxiliary.tp_vlan_tpid : static_cast<std::uint16_t>(ETH_P_8021Q)),
        htons(auxiliary.tp_vlan_tci)};
    char *start = rte_pktmbuf_prepend(mbuf, sizeof(tag));
    if (start == nullptr)
        return false;
    std::memmove(start, start + sizeof(tag), 2UL * RTE_ETHER_ADDR_LEN);
    std::memcpy(start + (2UL * RTE_ETHER_ADDR_LEN), tag.data(), sizeof(tag));
    return true;
}

} // namespace

Result<PacketSocket> PacketSocket::open(unsigned ifindex) {
    auto fd = open_socket(ifindex, 0);
    if (!fd)
        return std::unexpected(fd.error());
    return PacketSocket(ifindex, std::move(*fd));
}

Result<void> PacketSocket::change_membership(int option, unsigned short type,
                                             const rte_ether_addr *address) {
    packet_mreq request = {};
    request.mr_ifindex = static_cast<int>(ifindex_);
    request.mr_type = type;
    if (address != nullptr) {
        request.mr_alen = RTE_ETHER_ADDR_LEN;
        std::memcpy(request.mr_address, address->addr_bytes, RTE_ETHER_ADDR_LEN);
    }
    if (set_option(socket_.get(), SOL_PACKET, option, request) < 0)
        return netvsc::system_error("packet membership");
    return {};
}

Result<void> PacketSocket::add_membership(unsigned short type, const rte_ether_addr *address) {
    return change_membership(PACKET_ADD_MEMBERSHIP, type, address);
}

Result<void> PacketSocket::remove_membership(unsigned short type, const rte_ether_addr *address) {
    return change_membership(PACKET_DROP_MEMBERSHIP, type, address);
}

RxQueue::RxQueue(FileDescriptor socket, std::uint16_t port, rte_mempool *pool,
                 const std::atomic<bool> &gone)
    : socket_(std::move(socket)), port_(port), pool_(pool), gone_(gone) {}

Result<std::unique_ptr<RxQueue>> RxQueue::create(unsigned ifindex, std::uint16_t port,
                                                 rte_mempool *pool, const std::atomic<bool> &gone) {
    auto fd = open_socket(ifindex, ETH_P_ALL);
    if (!fd)
        return std::unexpected(fd.error());
    if (auto done = accept_nothing(fd->get()); !done)
        return std::unexpected(done.error());
    constexpr int on = 1;
    if (set_option(fd->get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, on) < 0)
        return netvsc::system_error("PACKET_IGNORE_OUTGOING");
    if (set_option(fd->get(), SOL_PACKET, PACKET_AUXDATA, on) < 0)
        return netvsc::system_error("PACKET_AUXDATA");

    std::unique_ptr<RxQueue> queue(new RxQueue(std::move(*fd), port, pool, gone));
    if (rte_pktmbuf_alloc_bulk(pool, queue->mbufs_.data(), burst_max) != 0)
        return netvsc::failure(ENOMEM, "mbufs for a receive queue");
    for (unsigned slot = 0; slot < burst_max; slot++)
        queue->arm(slot, queue->mbufs_[slot]);
    return queue;
}

RxQueue::~RxQueue() {
    if (mbufs_[0] != nullptr)
        rte_pktmbuf_free_bulk(mbufs_.data(), burst_max);
}

void RxQueue::arm(unsigned slot, rte_mbuf *mbuf) {
    mbufs_[slot] = mbuf;
    buffers_[slot] = {.iov_base = rte_pktmbuf_mtod(mbuf, void *),
                      .iov_len = rte_pktmbuf_tailroom(mbuf)};
    msghdr &header = messages_[slot].msg_hdr;
    header.msg_iov = &buffers_[slot];
    header.msg_iovlen = 1;
    header.msg_control = controls_[slot].data();
    // recvmmsg(2) stores the used length here, so each message must set it again.
    header.msg_controllen = controls_[slot].size();
}

Result<void> RxQueue::start() {
    char byte = 0;
    while (recv(socket_.get(), &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENETDOWN ||
           errno == EINTR) {
    }
    return accept_incoming(socket_.get());
}

void RxQueue::stop() { std::ignore = accept_nothing(socket_.get()); }

Result<void> RxQueue::join_fanout(std::optional<std::uint16_t> group) {
    constexpr int hash = PACKET_FANOUT_HASH << 16;
    constexpr int new_group = PACKET_FANOUT_FLAG_UNIQUEID << 16;
    int value = hash | (group ? *group : new_group);
    if (set_option(socket_.get(), SOL_PACKET, PACKET_FANOUT, value) < 0)
        return netvsc::system_error("PACKET_FANOUT");
    socklen_t size = sizeof(value);
    if (getsockopt(socket_.get(), SOL_PACKET, PACKET_FANOUT, &value, &size) < 0)
        return netvsc::system_error("PACKET_FANOUT");
    fanout_ = static_cast<std::uint16_t>(value & 0xffff);
    return {};
}

std::uint16_t RxQueue::burst(rte_mbuf **packets, std::uint16_t count) noexcept {
    if (unlikely(gone_.load(std::memory_order_relaxed)))
        return 0;
    const int received = recvmmsg(socket_.get(), messages_.data(), std::min(count, burst_max),
                                  MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (received <= 0)
        return 0;

    std::array<rte_mbuf *, burst_max> fresh;
    const auto arrived = static_cast<unsigned>(received);
    const bool refilled = rte_pktmbuf_alloc_bulk(pool_, fresh.data(), arrived) == 0;
    std::uint16_t good = 0;
    std::uint64_t bytes = 0;
    for (unsigned slot = 0; slot < arrived; slot++) {
        rte_mbuf *mbuf = mbufs_[slot];
        const mmsghdr message = messages_[slot];
        arm(slot, refilled ? fresh[slot] : mbuf);
        if (!refilled) {
            no_mbuf.add(1);
            continue;
        }
        mbuf->port = port_;
        mbuf->data_len =
            static_cast<std::uint16_t>(std::min<unsigned>(message.msg_len, UINT16_MAX));
        mbuf->pkt_len = mbuf->data_len;
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
            !restore_vlan_tag(mbuf, message.msg_hdr)) {
            counters.errors.add(1);
            rte_pktmbuf_free(mbuf);
            continue;
        }
        bytes += mbuf->pkt_len;
        packets[good++] = mbuf;
    }
    counters.packets.add(good);
    counters.bytes.add(bytes);
    return good;
}

std::uint64_t RxQueue::missed() {
    tpacket_stats statistics = {};
    socklen_t size = sizeof(statistics);
    // Reading sets the kernel's counts back to 0.
    if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
        missed_.fetch_add(statistics.tp_drops, std::memory_order_relaxed);
    return missed_.load(std::memory_order_relaxed);
}

void RxQueue::reset_counters() {
    counters.reset();
    no_mbuf.reset();
    std::ignore = missed();
    missed_.store(0, std::memory_order_relaxed);
}

Result<std::unique_ptr<TxQueue>> TxQueue::create(unsigned ifindex, const std::atomic<bool> &gone) {
    auto socket = PacketSocket::open(ifindex);
    if (!socket)
        return std::unexpected(socket.error());
    // Not PACKET_QDISC_BYPASS: with it Linux 6.1 divides by zero when it sends by a netdevice that
    // is just going (packet_direct_xmit(), real_num_tx_queues).
    return std::unique_ptr<TxQueue>(new TxQueue(std::move(*socket), gone));
}

std::uint16_t TxQueue::burst(rte_mbuf **packets, std::uint16_t count) noexcept {
    std::array<mmsghdr, batch_max> messages;
    std::array<std::array<iovec, segments_max>, batch_max> buffers;
    std::uint16_t taken = 0;
    while (taken < count && likely(!gone_.load(std::memory_order_relaxed))) {
        unsigned batch = 0;
        while (batch < batch_max && taken + batch < count &&
               packets[taken + batch]->nb_segs <= segments_max &&
               write_checksums(*packets[taken + batch])) {
            unsigned segments = 0;
            for (rte_mbuf *part = packets[taken + batch]; part != nullptr; part = part->next)
                buffers[batch][segments++] = {.iov_base = rte_pktmbuf_mtod(part, void *),
                                              .iov_len = part->data_len};
            messages[batch] = {};
            messages[batch].msg_hdr.msg_iov = buffers[batch].data();
            messages[batch].msg_hdr.msg_iovlen = segments;
            batch++;
        }
        const int sent = batch == 0 ? -1 : sendmmsg(socket_.fd(), messages.data(), batch, 0);
        if (sent < 0) {
            // No room now: the caller keeps the rest, as from a NIC's full ring.
            if (batch > 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
                break;
            // This one can never be sent (too long, too short for its checksums, or the netdevice
            // is down or going).
            counters.errors.add(1);
            rte_pktmbuf_free(packets[taken++]);
            continue;
        }
        std::uint64_t bytes = 0;
        for (int i = 0; i < sent; i++) {
            bytes += packets[taken]->pkt_len;
            rte_pktmbuf_free(packets[taken++]);
        }
        counters.packets.add(static_cast<std::uint64_t>(sent));
        counters.bytes.add(bytes);
    }
    return taken;
}

} // namespace testvf
