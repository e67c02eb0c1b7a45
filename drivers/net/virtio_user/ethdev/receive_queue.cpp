// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/receive_queue.hpp"

#include "ethdev/receive_offloads.hpp"
#include "ethdev/ring_kinds.hpp"
#include "ring/net_header.hpp"

#include <algorithm>
#include <array>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

namespace netvsc::virtio {
namespace {

constexpr unsigned batch = 64; ///< buffers handled together
constexpr std::uint32_t header_size = sizeof(NetHeader);
/// Where the device writes in a buffer, so that a frame begins after the usual headroom.
constexpr std::uint16_t begin = RTE_PKTMBUF_HEADROOM - header_size;

struct UsedBuffer {
    rte_mbuf *mbuf;
    std::uint32_t length; ///< with the header
};

template <DriverRing RingType> class ReceiveQueue final : public QueueOf<RingType> {
public:
    ReceiveQueue(QueueOptions options, QueueMemory memory)
        : QueueOf<RingType>(std::move(options), std::move(memory)), pool_(*this->options_.pool),
          refill_at_(std::clamp(this->options_.descriptors / 4U, 1U, 32U)) {}
    ~ReceiveQueue() override { reset(); }

    void reset() override {
        missing_ = 0;
        if (first_ != nullptr)
            rte_pktmbuf_free(std::exchange(first_, nullptr));
        this->reset_ring([&](void *cookie) { rte_mempool_put(&pool_, cookie); });
    }
    void refill() override { refill_from(1); }

    template <bool mergeable, bool offloads, bool strip_vlan>
    static std::uint16_t burst(void *self, rte_mbuf **packets, std::uint16_t count) {
        auto &queue = *static_cast<ReceiveQueue *>(static_cast<Queue *>(self));
        if (!queue.gate.enter()) [[unlikely]]
            return 0;
        const std::uint16_t received =
            queue.template receive<mergeable, offloads, strip_vlan>(packets, count);
        queue.refill_from(queue.refill_at_);
        if (queue.ring_.fault() != Fault::none) [[unlikely]]
            queue.found_fault();
        queue.gate.leave();
        return received;
    }

private:
    static const NetHeader &header_of(const rte_mbuf &mbuf) {
        return *reinterpret_cast<const NetHeader *>(static_cast<const char *>(mbuf.buf_addr) +
                                                    begin);
    }

    template <bool mergeable, bool offloads, bool strip_vlan>
    std::uint16_t receive(rte_mbuf **packets, std::uint16_t count) {
        std::uint16_t done = 0;
        std::uint64_t bytes = 0;
        std::array<UsedBuffer, batch> buffers;
        while (done < count) {
            const unsigned wanted = std::min<unsigned>(count - done, batch);
            unsigned got = 0;
            this->ring_.take(wanted, [&](void *cookie, std::uint32_t length) {
                auto *mbuf = static_cast<rte_mbuf *>(cookie);
                buffers[got++] = {.mbuf = mbuf, .length = length};
                rte_prefetch0(mbuf);
                if constexpr (mergeable || offloads)
                    rte_prefetch0(&header_of(*mbuf));
            });
            for (unsigned i = 0; i < got; ++i) {
                rte_mbuf *frame = mergeable ? merge(buffers[i]) : single(buffers[i]);
                if (frame == nullptr)
                    continue;
                if constexpr (offloads) {
                    if (!read_offloads(*frame)) [[unlikely]] {
                        drop(frame);
                        continue;
                    }
                }
                if constexpr (strip_vlan)
                    rte_vlan_strip(frame);
                bytes += frame->pkt_len;
                packets[done++] = frame;
            }
            if (got < wanted)
                break;
        }
        this->counters.packets.add(done);
        this->counters.bytes.add(bytes);
        return done;
    }

    bool read_offloads(rte_mbuf &frame) {
        const NetHeader &header = header_of(frame);
        return is_plain_header(header) || apply_receive_offloads(frame, header);
    }

    // The fields that the mempool's mbufs do not have already.
    void prepare(rte_mbuf &mbuf, std::uint32_t length) {
        mbuf.data_off = RTE_PKTMBUF_HEADROOM;
        mbuf.port = this->options_.port;
        mbuf.ol_flags = 0;
        mbuf.packet_type = 0;
        mbuf.pkt_len = length;
        mbuf.data_len = static_cast<std::uint16_t>(length);
        mbuf.vlan_tci = 0;
    }

    // The header is in front of the frame.
    rte_mbuf *single(const UsedBuffer &buffer) {
        if (buffer.length <= header_size) [[unlikely]] {
            drop(buffer.mbuf);
            return nullptr;
        }
        prepare(*buffer.mbuf, buffer.length - header_size);
        return buffer.mbuf;
    }

    // The first buffer has the header, which says how many there are. The others are all data.
    rte_mbuf *merge(const UsedBuffer &buffer) {
        if (missing_ == 0) {
            first_ = single(buffer);
            if (first_ == nullptr) [[unlikely]]
                return nullptr;
            const std::uint16_t buffers = header_of(*first_).num_buffers;
            if (buffers == 1) [[likely]]
                return std::exchange(first_, nullptr);
            if (buffers == 0 || buffers > this->options_.kind.entries) [[unlikely]] {
                drop(std::exchange(first_, nullptr));
                return nullptr;
            }
            missing_ = buffers - 1U;
            last_ = first_;
            return nullptr;
        }
        --missing_;
        append(buffer);
        return missing_ == 0 ? std::exchange(first_, nullptr) : nullptr;
    }

    void append(const UsedBuffer &buffer) {
        rte_mbuf &mbuf = *buffer.mbuf;
        mbuf.data_off = begin;
        mbuf.port = this->options_.port;
        mbuf.ol_flags = 0;
        mbuf.data_len = static_cast<std::uint16_t>(buffer.length);
        first_->pkt_len += buffer.length;
        ++first_->nb_segs;
        last_->next = &mbuf;
        last_ = &mbuf;
    }

    [[gnu::cold]] void drop(rte_mbuf *frame) {
        this->counters.errors.add(1);
        rte_pktmbuf_free(frame);
    }

    void refill_from(unsigned least) {
        unsigned room = this->room();
        if (room < least)
            return;
        std::array<rte_mbuf *, batch> mbufs;
        do {
            const unsigned count = std::min(room, batch);
            if (rte_mempool_get_bulk(&pool_, reinterpret_cast<void **>(mbufs.data()), count) != 0)
                [[unlikely]] {
                this->counters.no_mbufs.add(count);
                break;
            }
            for (unsigned i = 0; i < count; ++i)
                offer(mbufs[i]);
            room -= count;
        } while (room >= least);
        this->publish();
    }

    void offer(rte_mbuf *mbuf) {
        this->ring_.template offer<Access::write>(
            {.address = reinterpret_cast<std::uintptr_t>(mbuf->buf_addr) + begin,
             .length = std::uint32_t{mbuf->buf_len} - begin},
            mbuf);
    }

    rte_mempool &pool_;
    const unsigned refill_at_; ///< how many free descriptors make a refill worth its while
    // A frame whose buffers have not all been taken.
    rte_mbuf *first_ = nullptr;
    rte_mbuf *last_ = nullptr;
    unsigned missing_ = 0;
};

} // namespace

Result<std::unique_ptr<Queue>> make_receive_queue(QueueOptions options) {
    return with_ring(options.kind, [&](auto type) -> Result<std::unique_ptr<Queue>> {
        using Made = ReceiveQueue<typename decltype(type)::type>;
        auto memory =
            QueueMemory::make(options.name, Made::memory_size(options.kind), options.numa_node);
        if (!memory)
            return std::unexpected(memory.error());
        return std::make_unique<Made>(std::move(options), std::move(*memory));
    });
}

Burst receive_burst(const QueueKind &kind, const ReceiveMode &mode) {
    return with_ring(kind, [&](auto type) {
        using Made = ReceiveQueue<typename decltype(type)::type>;
        return with_constants(
            [](auto mergeable, auto offloads, auto strip) -> Burst {
                return &Made::template burst<mergeable, offloads, strip>;
            },
            mode.mergeable, mode.offloads, mode.strip_vlan);
    });
}

} // namespace netvsc::virtio
