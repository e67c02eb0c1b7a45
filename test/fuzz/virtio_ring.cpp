// SPDX-License-Identifier: BSD-3-Clause
// The driver's side of a virtqueue, with a peer that writes anything anywhere in the ring.
#include "require.hpp"
#include "virtio_user/ring/ring_fixture.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <span>

namespace {

using namespace netvsc::virtio;
using netvsc::planted_bug;
using netvsc::require;

/// The input, byte by byte; zeros after its end.
class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    std::uint8_t byte() {
        if (bytes_.empty())
            return 0;
        const std::uint8_t value = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return value;
    }
    std::uint16_t word() {
        const unsigned low = byte();
        return static_cast<std::uint16_t>(low | unsigned{byte()} << 8);
    }

private:
    std::span<const std::uint8_t> bytes_;
};

/// A ring, and what it owes to its caller.
template <typename Ring> class Session {
public:
    Session(std::uint16_t entries, bool event_index)
        : entries_(entries), pair_(entries, event_index) {}

    void run(Input &input) {
        while (!input.empty()) {
            step(input);
            unsigned used = 0;
            for (const auto &[cookie, chain] : in_flight_)
                used += chain.descriptors;
            require(pair_.ring.room() + used == entries_);
        }
        pair_.ring.reset([&](void *cookie) { require(in_flight_.erase(cookie) == 1); });
        require(in_flight_.empty());
    }

private:
    struct Offered {
        std::uint32_t writable;
        unsigned descriptors;
    };

    void step(Input &input) {
        switch (input.byte() % 11) {
        case 0:
            return offer<Access::write>(input);
        case 1:
            return offer<Access::read>(input);
        case 2:
        case 3:
            return offer_chain(input);
        case 4:
            pair_.ring.publish();
            return;
        case 5:
            return take(input);
        case 6:
            (void)pair_.ring.needs_kick();
            return;
        case 7:
            if (input.byte() & 1)
                (void)pair_.ring.enable_calls();
            else
                pair_.ring.disable_calls();
            return;
        case 8: { // a used chain, true or not
            const std::uint16_t id = input.word();
            const std::uint32_t written = input.word();
            return pair_.device.write_used(id, written, input.byte() % 4);
        }
        case 9: { // any byte of the ring
            const std::size_t size = test::RingTraits<Ring>::layout(entries_).size;
            const std::size_t offset = input.word() % size;
            pair_.areas()[offset] = static_cast<std::byte>(input.byte());
            return;
        }
        default:
            pair_.ring.reset([&](void *cookie) { require(in_flight_.erase(cookie) == 1); });
            pair_.restart_device();
            require(in_flight_.empty() && pair_.ring.fault() == Fault::none);
        }
    }

    template <Access access> void offer(Input &input) {
        if (pair_.ring.room() == 0)
            return;
        const std::uint32_t length = input.byte();
        pair_.ring.template offer<access>({0x1000, length}, next_cookie());
        in_flight_[cookie_] = {access == Access::write ? length : 0, 1};
    }

    void offer_chain(Input &input) {
        const std::uint8_t shape = input.byte();
        const unsigned count = 1 + shape % 4;
        const unsigned reads = shape / 4 % (count + 1);
        const bool indirect = shape & 0x80;
        if (pair_.ring.room() < (indirect ? 1 : count))
            return;
        std::array<Segment, 4> segments;
        for (Segment &segment : segments)
            segment = {0x2000, input.byte()};
        const std::span<const Segment> readable(segments.data(), reads);
        const std::span<const Segment> writable(segments.data() + reads, count - reads);
        if (indirect)
            pair_.ring.offer_indirect(readable, writable, next_cookie());
        else
            pair_.ring.offer_chain(readable, writable, next_cookie());
        in_flight_[cookie_] = {total_length(writable), indirect ? 1 : count};
    }

    void take(Input &input) {
        pair_.ring.publish();
        const bool stopped = pair_.ring.fault() != Fault::none;
        const unsigned most = input.byte();
        unsigned count = 0;
        const unsigned taken = pair_.ring.take(most, [&](void *cookie, std::uint32_t written) {
            ++count;
            const auto chain = in_flight_.find(cookie);
            require(chain != in_flight_.end() && written <= chain->second.writable);
            in_flight_.erase(chain);
        });
        require(taken == count && taken <= most && (!stopped || taken == 0));
        planted_bug(pair_.ring.fault() == Fault::used_length && taken != 0);
    }

    void *next_cookie() { return cookie_ = test::cookie(++number_); }

    std::uint16_t entries_;
    test::RingPair<Ring> pair_;
    std::map<void *, Offered> in_flight_;
    void *cookie_ = nullptr;
    std::uintptr_t number_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Input input(std::span(data, size));
    const std::uint8_t kind = input.byte();
    const std::uint8_t scale = input.byte();
    const auto split = static_cast<std::uint16_t>(1U << scale % 6);
    const auto packed = static_cast<std::uint16_t>(1 + scale % 32);
    const bool event_index = kind & 4;
    switch (kind % 4) {
    case 0:
        Session<SplitRing<Order::any>>(split, event_index).run(input);
        break;
    case 1:
        Session<SplitRing<Order::in_order>>(split, event_index).run(input);
        break;
    case 2:
        Session<PackedRing<Order::any>>(packed, event_index).run(input);
        break;
    default:
        Session<PackedRing<Order::in_order>>(packed, event_index).run(input);
    }
    return 0;
}
