// SPDX-License-Identifier: BSD-3-Clause
//
// What a frame costs in a ring: offered, used by a mock peer in the same thread, and taken. The
// peer's own work is part of the figure, and the same for every change of the driver's side.
#include "ring/net_header.hpp"
#include "virtio_user/ring/ring_fixture.hpp"

#include <array>
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <iostream>

namespace {

using namespace netvsc::virtio;

constexpr std::uint16_t entries = 256;
constexpr unsigned burst = 32;
constexpr std::uint32_t frame_length = 64 + sizeof(NetHeader);

[[noreturn]] void fail(const char *what) {
    std::cerr << "bench_virtio_ring: " << what << '\n';
    std::exit(1);
}

void count_frames(benchmark::State &state) {
    state.counters["frames_per_second"] = benchmark::Counter(
        static_cast<double>(state.iterations() * burst), benchmark::Counter::kIsRate);
}

/// Buffers as an application has them: more than one burst, each on cache lines of its own.
struct Buffers {
    struct alignas(64) Buffer {
        NetHeader header;
        std::array<std::byte, 2048> data;
    };
    std::vector<Buffer> all = std::vector<Buffer>(2 * entries);
    std::size_t next = 0;

    [[nodiscard]] Buffer &take() { return all[next++ & (all.size() - 1)]; }
};

[[nodiscard]] std::uint64_t address_of(const void *data) {
    return reinterpret_cast<std::uintptr_t>(data);
}

/// Frames to send: a plain header before each, one segment.
template <typename Ring> void transmit(benchmark::State &state) {
    test::RingPair<Ring> pair(entries);
    Buffers buffers;
    std::uintptr_t freed = 0;
    for (auto _ : state) {
        for (unsigned i = 0; i < burst; ++i) {
            auto &buffer = buffers.take();
            write_plain_header(buffer.header);
            pair.ring.template offer<Access::read>({address_of(&buffer), frame_length}, &buffer);
        }
        pair.ring.publish();
        benchmark::DoNotOptimize(pair.ring.needs_kick());
        if (pair.device.echo(burst, 0) != burst)
            fail("the peer did not see the burst");
        const unsigned taken = pair.ring.take(
            burst, [&](void *cookie, std::uint32_t) { freed += address_of(cookie); });
        if (taken != burst)
            fail("a used chain was not taken");
    }
    benchmark::DoNotOptimize(freed);
    count_frames(state);
}

/// Frames to receive: the ring is full of buffers, and each that was used is replaced.
template <typename Ring> void receive(benchmark::State &state) {
    test::RingPair<Ring> pair(entries);
    Buffers buffers;
    const auto refill = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            auto &buffer = buffers.take();
            pair.ring.template offer<Access::write>({address_of(&buffer), sizeof buffer}, &buffer);
        }
        pair.ring.publish();
    };
    refill(entries);
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        if (pair.device.echo(burst, frame_length) != burst)
            fail("the peer found no buffers");
        std::array<void *, burst> cookies;
        unsigned count = 0;
        pair.ring.take(burst, [&](void *cookie, std::uint32_t length) {
            cookies[count++] = cookie;
            bytes += length;
        });
        if (count != burst)
            fail("a used chain was not taken");
        benchmark::DoNotOptimize(cookies);
        refill(burst);
        benchmark::DoNotOptimize(pair.ring.needs_kick());
    }
    benchmark::DoNotOptimize(bytes);
    count_frames(state);
}

/// Frames of four segments, in indirect tables.
template <typename Ring> void transmit_indirect(benchmark::State &state) {
    test::RingPair<Ring> pair(entries);
    Buffers buffers;
    std::uintptr_t freed = 0;
    for (auto _ : state) {
        for (unsigned i = 0; i < burst; ++i) {
            const auto &buffer = buffers.take();
            const std::uint64_t address = address_of(&buffer);
            const std::array<Segment, 4> segments = {
                {{address, 256}, {address + 256, 256}, {address + 512, 256}, {address + 768, 256}}};
            pair.ring.offer_indirect(segments, {}, const_cast<Buffers::Buffer *>(&buffer));
        }
        pair.ring.publish();
        if (pair.device.echo(burst, 0) != burst)
            fail("the peer did not see the burst");
        pair.ring.take(burst, [&](void *cookie, std::uint32_t) { freed += address_of(cookie); });
    }
    benchmark::DoNotOptimize(freed);
    count_frames(state);
}

using Split = SplitRing<Order::any>;
using SplitInOrder = SplitRing<Order::in_order>;
using Packed = PackedRing<Order::any>;
using PackedInOrder = PackedRing<Order::in_order>;

BENCHMARK(transmit<Split>);
BENCHMARK(transmit<SplitInOrder>);
BENCHMARK(transmit<Packed>);
BENCHMARK(transmit<PackedInOrder>);
BENCHMARK(receive<Split>);
BENCHMARK(receive<SplitInOrder>);
BENCHMARK(receive<Packed>);
BENCHMARK(receive<PackedInOrder>);
BENCHMARK(transmit_indirect<Split>);
BENCHMARK(transmit_indirect<SplitInOrder>);
BENCHMARK(transmit_indirect<Packed>);
BENCHMARK(transmit_indirect<PackedInOrder>);

} // namespace

BENCHMARK_MAIN();
