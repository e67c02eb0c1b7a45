// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace netvsc::virtio {

/// A piece of this process's memory that the back end may access.
struct MemoryRegion {
    std::uint64_t address = 0; ///< virtual; also its guest physical address and its IOVA
    std::uint64_t size = 0;    ///< bytes
    int fd = -1;               ///< the file behind it, not owned; -1: none
    std::uint64_t offset = 0;  ///< of @p address in that file, bytes

    bool operator==(const MemoryRegion &) const = default;
};

/// The three parts of a ring (virtio 1.2, 2.6), by virtual address. For packed rings: the
/// descriptor ring, and the driver's and the device's event suppression.
struct RingAddresses {
    std::uint64_t descriptors = 0;
    std::uint64_t driver = 0; ///< split: available ring
    std::uint64_t device = 0; ///< split: used ring
};

/// The other side of the device: a vhost implementation, which reads and writes the rings.
///
/// Ring 2n receives and ring 2n + 1 sends, for pair n. Not thread-safe: the device calls it with
/// its lock held. Every call returns after a bounded time. An error does not change the object,
/// but the other side may be in any state then.
///
/// More than 15 public methods: one for each message of the vhost-user protocol that a device
/// needs, and their counterparts of vhost-kernel.
class Backend {
public:
    Backend() = default;
    Backend(const Backend &) = delete;
    Backend &operator=(const Backend &) = delete;
    virtual ~Backend() = default;

    /// Claims the back end for this process and negotiates what belongs to the back end's own
    /// protocol. The first call after the connection.
    [[nodiscard]] virtual Result<void> set_owner() = 0;
    /// The virtio features that the back end offers, without those of its own protocol.
    [[nodiscard]] virtual Result<std::uint64_t> features() = 0;
    [[nodiscard]] virtual Result<void> set_features(std::uint64_t features) = 0;
    /// How many queue pairs it can have. Valid after set_owner().
    [[nodiscard]] virtual std::uint16_t max_pairs() const = 0;

    /// Replaces the memory that the back end may access.
    [[nodiscard]] virtual Result<void> set_memory(std::span<const MemoryRegion> regions) = 0;

    [[nodiscard]] virtual Result<void> set_ring_call(unsigned ring, int eventfd) = 0;
    [[nodiscard]] virtual Result<void> set_ring_size(unsigned ring, std::uint32_t size) = 0;
    /// @param base  where the back end begins; packed: bit 15 is the wrap counter
    [[nodiscard]] virtual Result<void> set_ring_base(unsigned ring, std::uint32_t base) = 0;
    [[nodiscard]] virtual Result<void> set_ring_addresses(unsigned ring,
                                                          const RingAddresses &addresses) = 0;
    /// Starts the ring.
    [[nodiscard]] virtual Result<void> set_ring_kick(unsigned ring, int eventfd) = 0;
    /// Stops the ring. @return where the back end has stopped
    [[nodiscard]] virtual Result<std::uint32_t> ring_base(unsigned ring) = 0;
    /// Rings that are started but not enabled receive nothing and drop what is sent.
    [[nodiscard]] virtual Result<void> enable_pair(unsigned pair, bool on) = 0;

    /// The device status (virtio 1.2, 2.1). @return nullopt if the back end has none
    [[nodiscard]] virtual Result<std::optional<std::uint8_t>> status() = 0;
    /// Nothing if the back end has no status.
    [[nodiscard]] virtual Result<void> set_status(std::uint8_t status) = 0;

    /// The back end's link has a carrier.
    [[nodiscard]] virtual bool link_up() = 0;
    /// Readable when link_up() or alive() may have changed, or when a peer waits for connect().
    /// @return -1: none
    [[nodiscard]] virtual int interrupt_fd() const = 0;
    /// False once the other side has given up the connection: nothing but disconnect() is of use.
    [[nodiscard]] virtual bool alive() const { return true; }

    /// Whether set_owner() and what follows can be called. Not at first.
    [[nodiscard]] virtual bool connected() const = 0;
    /// Tries once to connect, without waiting. @return connected()
    [[nodiscard]] virtual Result<bool> connect() = 0;
    /// Gives up the connection, if there is one.
    virtual void disconnect() = 0;
};

} // namespace netvsc::virtio
