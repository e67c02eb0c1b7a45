// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

namespace netvsc::virtio::test {

struct MockSegment {
    std::uint64_t address;
    std::uint32_t length;
    bool writable;
    bool operator==(const MockSegment &) const = default;
};

/// A chain as the peer sees it.
struct MockChain {
    std::uint16_t id;
    std::uint16_t descriptors; ///< in the ring
    std::vector<MockSegment> segments;
};

// The peer of a ring, written from the specification with Linux' structures, and from nothing of
// the ring core. Addresses of indirect tables are pointers of this process.

class MockSplitDevice {
public:
    MockSplitDevice(std::byte *areas, std::uint16_t entries, bool event_index = false);

    [[nodiscard]] std::optional<MockChain> fetch();
    void use(const MockChain &chain, std::uint32_t written);
    /// All these chains, the oldest ones, by one used element.
    void use_batch(const std::vector<MockChain> &chains, std::uint32_t written);
    /// Uses up to so many chains of one descriptor in their order, without reading them.
    unsigned echo(unsigned most, std::uint32_t written);

    void want_kicks(bool wanted);
    /// A kick when this many descriptors have followed what was fetched (event index).
    void want_kick_after(std::uint16_t descriptors);
    /// Whether the driver wants a call for what was used since the last question.
    [[nodiscard]] bool call_wanted();

    /// Writes what no device may write.
    void write_used(std::uint32_t id, std::uint32_t written, std::uint16_t advance);

private:
    void publish(std::uint16_t used);

    std::uint16_t entries_;
    bool event_index_;
    vring_desc *descriptors_;
    vring_avail *available_;
    vring_used *used_;
    std::uint16_t fetched_ = 0;
    std::uint16_t published_ = 0;
    std::uint16_t called_ = 0;
};

class MockPackedDevice {
public:
    MockPackedDevice(std::byte *areas, std::uint16_t entries, bool event_index = false);

    [[nodiscard]] std::optional<MockChain> fetch();
    void use(const MockChain &chain, std::uint32_t written);
    void use_batch(const std::vector<MockChain> &chains, std::uint32_t written);
    unsigned echo(unsigned most, std::uint32_t written);

    void want_kicks(bool wanted);
    void want_kick_after(std::uint16_t descriptors);
    [[nodiscard]] bool call_wanted();

    void write_used(std::uint32_t id, std::uint32_t written, std::uint16_t advance);

private:
    struct Position {
        std::uint16_t index = 0;
        bool wrap = true;
        bool operator==(const Position &) const = default;
    };
    [[nodiscard]] Position after(Position position, unsigned descriptors) const;
    [[nodiscard]] bool is_available(Position position) const;
    void write_used(std::uint16_t id, std::uint32_t written);

    std::uint16_t entries_;
    vring_packed_desc *descriptors_;
    vring_packed_desc_event *driver_event_;
    vring_packed_desc_event *device_event_;
    Position fetched_;
    Position used_;
    Position called_;
};

} // namespace netvsc::virtio::test
