// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/send_queue.hpp"

#include "ethdev/ring_kinds.hpp"
#include "ethdev/send_offloads.hpp"
#include "ring/net_header.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <rte_ether.h>
#include <rte_mbuf.h>

namespace netvsc::virtio {
namespace {

constexpr unsigned batch = 64; ///< frames freed together
constexpr std::uint32_t header_size = sizeof(NetHeader);
constexpr unsigned max_segments = 64; ///< of a frame, with its header

/// A header that lies beside its frame, because the mbuf has no room for it or is shared.
struct alignas(16) SeparateHeader {
    NetHeader header;
};

template <DriverRing RingType> class SendQueue final : public QueueOf<RingType> {
    using Base = QueueOf<RingType>;

public:
    static std::size_t memory_size(const QueueKind &kind) {
        return Base::memory_size(kind) + kind.entries * sizeof(SeparateHeader);
    }

    SendQueue(QueueOptions options, QueueMemory memory)
        : Base(std::move(options), std::move(memory)),
          headers_(reinterpret_cast<SeparateHeader *>(this->memory_.data() +
                                                      Base::memory_size(this->options_.kind))),
          headed_(this->options_.kind.entries), free_headers_(this->options_.kind.entries),
          clean_at_(std::max(this->options_.descriptors / 2U, 1U)) {
        std::iota(free_headers_.begin(), free_headers_.end(), std::uint16_t{0});
    }
    ~SendQueue() override { reset(); }

    void reset() override {
        std::uint64_t lost = 0;
        this->reset_ring([&](void *cookie) {
            rte_pktmbuf_free(frame_of(cookie));
            ++lost;
        });
        this->counters.lost.add(lost);
    }

    unsigned clean(unsigned most) override {
        unsigned cleaned = 0;
        std::array<rte_mbuf *, batch> frames;
        while (cleaned < most) {
            unsigned count = 0;
            const unsigned wanted = std::min(most - cleaned, batch);
            this->ring_.take(
                wanted, [&](void *cookie, std::uint32_t) { frames[count++] = frame_of(cookie); });
            rte_pktmbuf_free_bulk(frames.data(), count);
            cleaned += count;
            if (count < wanted)
                break;
        }
        if (this->ring_.fault() != Fault::none) [[unlikely]]
            this->found_fault();
        return cleaned;
    }

    template <bool offloads>
    static std::uint16_t burst(void *self, rte_mbuf **packets, std::uint16_t count) {
        auto &queue = *static_cast<SendQueue *>(static_cast<Queue *>(self));
        if (!queue.gate.enter()) [[unlikely]]
            return 0;
        const std::uint16_t sent = queue.template send<offloads>(packets, count);
        queue.gate.leave();
        return sent;
    }

private:
    // A cookie is a frame, or with bit 0 set the index of a separate header.
    rte_mbuf *frame_of(void *cookie) {
        const auto value = reinterpret_cast<std::uintptr_t>(cookie);
        if ((value & 1) == 0) [[likely]]
            return static_cast<rte_mbuf *>(cookie);
        const auto index = static_cast<std::uint16_t>(value >> 1);
        free_headers_.push_back(index);
        return headed_[index];
    }

    template <bool offloads> std::uint16_t send(rte_mbuf **packets, std::uint16_t count) {
        if (this->room() < clean_at_ || this->room() < count)
            clean(this->options_.kind.entries);
        std::uint16_t done = 0;
        std::uint64_t bytes = 0;
        std::uint64_t dropped = 0;
        for (; done < count; ++done) {
            rte_mbuf *frame = packets[done];
            if constexpr (offloads) {
                if ((frame->ol_flags & RTE_MBUF_F_TX_VLAN) != 0 && !insert_tag(frame))
                    [[unlikely]] {
                    rte_pktmbuf_free(frame);
                    ++dropped;
                    continue;
                }
            }
            const std::uint32_t length = frame->pkt_len;
            if (is_simple(*frame)) [[likely]] {
                if (this->room() == 0)
                    break;
                send_simple<offloads>(*frame);
            } else {
                const Outcome outcome = send_segments<offloads>(*frame);
                if (outcome == Outcome::no_room)
                    break;
                if (outcome == Outcome::too_long) [[unlikely]] {
                    rte_pktmbuf_free(frame);
                    ++dropped;
                    continue;
                }
            }
            bytes += length;
        }
        this->publish();
        this->counters.packets.add(done - dropped);
        this->counters.bytes.add(bytes);
        this->counters.errors.add(dropped);
        return done;
    }

    // rte_vlan_insert() moves the header lengths that the offloads count from.
    static bool insert_tag(rte_mbuf *&frame) {
        if (rte_vlan_insert(&frame) != 0)
            return false;
        frame->l2_len = (frame->l2_len + sizeof(rte_vlan_hdr)) & 0x7f;
        return true;
    }

    // The mbuf is the driver's alone, and has room for the header in front of the frame.
    [[nodiscard]] bool has_room(const rte_mbuf &frame) const {
        return rte_mbuf_refcnt_read(&frame) == 1 && RTE_MBUF_DIRECT(&frame) &&
               frame.data_off >= header_size;
    }
    [[nodiscard]] bool is_simple(const rte_mbuf &frame) const {
        return frame.nb_segs == 1 && has_room(frame);
    }

    template <bool offloads> static void write(NetHeader &header, const rte_mbuf &frame) {
        if constexpr (offloads)
            write_send_header(header, frame);
        else
            write_plain_header(header);
    }

    /// Puts the header in front of the frame. @return where both begin
    template <bool offloads> std::uintptr_t put_header(rte_mbuf &frame) {
        const std::uintptr_t begin =
            reinterpret_cast<std::uintptr_t>(frame.buf_addr) + frame.data_off - header_size;
        write<offloads>(*reinterpret_cast<NetHeader *>(begin), frame);
        return begin;
    }

    template <bool offloads> void send_simple(rte_mbuf &frame) {
        const std::uintptr_t begin = put_header<offloads>(frame);
        this->ring_.template offer<Access::read>(
            {.address = begin, .length = frame.data_len + header_size}, &frame);
    }

    enum class Outcome { sent, no_room, too_long };

    template <bool offloads> Outcome send_segments(rte_mbuf &frame) {
        const bool separate = !has_room(frame);
        const unsigned count = frame.nb_segs + (separate ? 1U : 0U);
        if (count > std::min<unsigned>(max_segments, this->options_.descriptors) &&
            count > this->ring_.indirect_segments())
            return Outcome::too_long;
        const bool indirect = count > 1 && count <= this->ring_.indirect_segments();
        if (this->room() < (indirect ? 1U : count) || (separate && free_headers_.empty()))
            return Outcome::no_room;

        std::array<Segment, max_segments> segments;
        unsigned filled = 0;
        void *cookie = &frame;
        const rte_mbuf *next = &frame;
        if (separate) {
            const std::uint16_t index = free_headers_.back();
            free_headers_.pop_back();
            headed_[index] = &frame;
            NetHeader &header = headers_[index].header;
            write<offloads>(header, frame);
            segments[filled++] = {.address = reinterpret_cast<std::uintptr_t>(&header),
                                  .length = header_size};
            cookie = reinterpret_cast<void *>(std::uintptr_t{index} << 1 | 1);
        } else {
            segments[filled++] = {.address = put_header<offloads>(frame),
                                  .length = frame.data_len + header_size};
            next = frame.next;
        }
        for (; next != nullptr && filled < count; next = next->next)
            segments[filled++] = {.address = rte_pktmbuf_mtod(next, std::uintptr_t),
                                  .length = next->data_len};
        const std::span<const Segment> readable(segments.data(), filled);
        if (indirect)
            this->ring_.offer_indirect(readable, {}, cookie);
        else
            this->ring_.offer_chain(readable, {}, cookie);
        return Outcome::sent;
    }

    SeparateHeader *headers_; ///< one for each entry of the ring, in memory of the back end's too
    std::vector<rte_mbuf *> headed_; ///< by separate header
    std::vector<std::uint16_t> free_headers_;
    const unsigned clean_at_; ///< cleans if less room is left
};

} // namespace

Result<std::unique_ptr<Queue>> make_send_queue(QueueOptions options) {
    return with_ring(options.kind, [&](auto type) -> Result<std::unique_ptr<Queue>> {
        using Made = SendQueue<typename decltype(type)::type>;
        auto memory =
            QueueMemory::make(options.name, Made::memory_size(options.kind), options.numa_node);
        if (!memory)
            return std::unexpected(memory.error());
        return std::make_unique<Made>(std::move(options), std::move(*memory));
    });
}

Burst send_burst(const QueueKind &kind, const SendMode &mode) {
    return with_ring(kind, [&](auto type) {
        using Made = SendQueue<typename decltype(type)::type>;
        return with_constants(
            [](auto offloads) -> Burst { return &Made::template burst<offloads>; }, mode.offloads);
    });
}

} // namespace netvsc::virtio
