// SPDX-License-Identifier: BSD-3-Clause
// Driver and device in two threads: what one side writes before it publishes, the other side reads.
#include "virtio_user/ring/ring_fixture.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace netvsc::virtio::test {
namespace {

constexpr std::uint16_t entries = 16;
constexpr std::uint64_t frames = 100000;

template <typename Ring> struct TwoThreads : testing::Test {};
TYPED_TEST_SUITE(TwoThreads, AllRings);

TYPED_TEST(TwoThreads, EachSeesWhatTheOtherPublished) {
    RingPair<TypeParam> pair(entries);
    std::uint64_t buffers[entries] = {};
    std::atomic<bool> stop = false;
    std::thread device([&] {
        while (!stop)
            if (const auto chain = pair.device.fetch()) {
                // The device doubles the number that the driver wrote into the buffer.
                auto *buffer = reinterpret_cast<std::uint64_t *>(chain->segments.at(0).address);
                *buffer *= 2;
                pair.device.use(*chain, sizeof *buffer);
            } else {
                std::this_thread::yield();
            }
    });

    std::uint64_t sent = 0;
    std::uint64_t taken = 0;
    std::uint64_t wrong = 0;
    while (taken < frames && pair.ring.fault() == Fault::none) {
        while (sent < frames && sent - taken < entries && pair.ring.room() != 0) {
            std::uint64_t &buffer = buffers[sent % entries];
            buffer = ++sent;
            pair.ring.template offer<Access::write>({pair.address_of(&buffer), sizeof buffer},
                                                    &buffer);
        }
        pair.ring.publish();
        const unsigned count = pair.ring.take(entries, [&](void *of, std::uint32_t written) {
            ++taken;
            wrong += *static_cast<std::uint64_t *>(of) != 2 * taken || written != sizeof taken;
        });
        if (count == 0)
            std::this_thread::yield();
    }
    stop = true;
    device.join();
    EXPECT_EQ(taken, frames);
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(pair.ring.fault(), Fault::none);
}

} // namespace
} // namespace netvsc::virtio::test
