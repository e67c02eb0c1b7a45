// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "device/device.hpp"
#include "ethdev/counter.hpp"
#include "ethdev/gate.hpp"
#include "ethdev/queue_memory.hpp"
#include "ring/fault.hpp"
#include "ring/ring.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

struct rte_mbuf;
struct rte_mempool;

namespace netvsc::virtio {

/// What the driver's queues of one port have in common. It does not change while queues exist.
struct QueueKind {
    bool packed = false;
    bool in_order = false;
    bool mergeable = false;
    bool indirect = false;
    std::uint16_t entries = 0; ///< of each ring
};

/// What a queue needs of its port.
struct QueueOptions {
    QueueKind kind;
    std::string name; ///< unique in the application
    int numa_node = -1;
    std::uint16_t port = 0;
    std::uint16_t descriptors = 0; ///< at most QueueKind::entries; how many are used
    int kick_fd = -1;
    rte_mempool *pool = nullptr; ///< of the buffers to receive into
    /// Called once by the polling thread when the back end violates the protocol.
    std::function<void()> report_fault;
};

/// The counters of one queue.
struct QueueCounters {
    Counter packets;
    Counter bytes;
    Counter errors;   ///< malformed frames; frames with more segments than a ring takes
    Counter no_mbufs; ///< receive buffers that the mempool could not provide
    Counter kicks;
    Counter lost; ///< frames in flight when the back end was lost

    void clear() {
        for (Counter *counter : {&packets, &bytes, &errors, &no_mbufs, &kicks, &lost})
            counter->clear();
    }
};

/// A queue of either direction. Its burst functions are those of its ring's type.
///
/// Functions that say so need the gate closed; the others are the polling thread's.
class Queue {
public:
    explicit Queue(QueueOptions options) : options_(std::move(options)) {}
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;
    virtual ~Queue() = default;

    Gate gate;
    QueueCounters counters;

    [[nodiscard]] const QueueOptions &options() const { return options_; }

    /// Where the back end finds the ring, empty. Needs the gate closed.
    [[nodiscard]] virtual Ring layout() const = 0;
    /// Frees all buffers in flight and empties the ring. Needs the gate closed, and no back end.
    virtual void reset() = 0;
    /// Posts buffers for reception. Needs the gate closed, or is the polling thread's.
    virtual void refill() {}
    /// Frees frames that the back end has sent. @return how many
    virtual unsigned clean(unsigned /*most*/) { return 0; }

    /// The back end signals used buffers by the call eventfd from now on.
    /// @return whether there are some already. The back end may have made no call for them.
    virtual bool enable_calls() = 0;
    virtual void disable_calls() = 0;
    /// Needs the gate closed.
    [[nodiscard]] virtual Fault fault() const = 0;
    /// The polling thread has found a fault. Any thread.
    [[nodiscard]] bool faulty() const { return reported_; }

protected:
    /// Notifies the back end.
    void kick() noexcept;
    /// Reports the fault of the ring, once until reset().
    [[gnu::cold]] void found_fault() noexcept;

    QueueOptions options_;
    std::atomic<bool> reported_ = false;
};

/// A queue over one type of ring.
template <DriverRing RingType> class QueueOf : public Queue {
public:
    static constexpr std::uint16_t indirect_segments = 8;

    /// The memory that the ring needs, bytes.
    static std::size_t memory_size(const QueueKind &kind) {
        return layout_of(kind).size +
               (kind.indirect ? indirect_size(kind.entries, indirect_segments) : 0);
    }

    QueueOf(QueueOptions options, QueueMemory memory)
        : Queue(std::move(options)), memory_(std::move(memory)), ring_(ring_options()) {}

    Ring layout() const override {
        const RingLayout layout = layout_of(options_.kind);
        const auto start = reinterpret_cast<std::uintptr_t>(memory_.data());
        Ring ring{.addresses = {.descriptors = start + layout.descriptor_area,
                                .driver = start + layout.driver_area,
                                .device = start + layout.device_area},
                  .size = options_.kind.entries};
        ring.base = RingType::initial_base;
        return ring;
    }
    bool enable_calls() override {
        calls_ = true;
        return ring_.enable_calls();
    }
    void disable_calls() override {
        calls_ = false;
        ring_.disable_calls();
    }
    Fault fault() const override { return ring_.fault(); }

protected:
    /// @param release  receives the cookie of each chain in flight
    template <typename Release> void reset_ring(Release &&release) {
        ring_.reset(std::forward<Release>(release));
        if (calls_)
            (void)ring_.enable_calls();
        else
            ring_.disable_calls();
        reported_ = false;
    }
    /// Shows the back end what was offered.
    void publish() noexcept {
        if (ring_.publish() && ring_.needs_kick())
            kick();
    }
    /// How many descriptors may be offered now.
    [[nodiscard]] unsigned room() const {
        const unsigned kept_free = options_.kind.entries - options_.descriptors;
        const unsigned room = ring_.room();
        return room > kept_free ? room - kept_free : 0;
    }

    QueueMemory memory_;
    RingType ring_;

private:
    static RingLayout layout_of(const QueueKind &kind) {
        return kind.packed ? packed_layout(kind.entries) : split_layout(kind.entries);
    }
    [[nodiscard]] RingOptions ring_options() const {
        RingOptions made{.entries = options_.kind.entries, .memory = {.areas = memory_.data()}};
        if (options_.kind.indirect) {
            made.memory.indirect = memory_.data() + layout_of(options_.kind).size;
            made.memory.indirect_address = reinterpret_cast<std::uintptr_t>(made.memory.indirect);
            made.memory.indirect_segments = indirect_segments;
        }
        return made;
    }

    bool calls_ = false;
};

/// A burst function of ethdev's.
using Burst = std::uint16_t (*)(void *queue, rte_mbuf **packets, std::uint16_t count);

} // namespace netvsc::virtio
