// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>

namespace testvf {

/// A count with one writer, the queue's lcore, and any number of readers. Resetting moves the
/// origin, so that it cannot undo what the writer adds meanwhile.
class Counter {
public:
    void add(std::uint64_t amount) {
        total_.store(total_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const {
        return total_.load(std::memory_order_relaxed) - origin_.load(std::memory_order_relaxed);
    }
    void reset() {
        origin_.store(total_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> total_ = 0;
    std::atomic<std::uint64_t> origin_ = 0;
};

struct QueueCounters {
    Counter packets;
    Counter bytes;
    Counter errors;

    void reset() {
        packets.reset();
        bytes.reset();
        errors.reset();
    }
};

} // namespace testvf
