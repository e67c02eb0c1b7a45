// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"
#include "base/file_descriptor.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace netvsc::virtio {

/// A ring as the driver has laid it out.
struct Ring {
    RingAddresses addresses;
    std::uint32_t size = 0; ///< descriptors
    std::uint32_t base = 0; ///< where the back end begins; packed: bit 15 is the wrap counter
};

/// The virtio-net device in front of a back end: it negotiates, and starts and stops the rings.
///
/// Ring 2n receives and ring 2n + 1 sends, for pair n. The control queue is not among them: the
/// driver serves it itself. The back end may be absent at any time; then the device keeps what was
/// negotiated, and start() after connect() repeats it.
///
/// Not thread-safe: the port calls it with its lock held.
///
/// More than 15 public methods: the steps of a virtio device's initialization (virtio 1.2, 3.1),
/// one each, and the state that results.
class Device {
public:
    struct Options {
        std::uint16_t pairs = 1;
        std::uint64_t emulated = 0; ///< features that the device adds to the back end's
        std::uint64_t excluded = 0; ///< features that the arguments take away
    };

    /// Makes the device with the eventfds of its rings. Does not connect.
    [[nodiscard]] static Result<Device> make(std::unique_ptr<Backend> backend, Options options);

    /// Connects to the back end, claims it and reads its features. Does not wait for a peer.
    /// @return whether the back end is connected. failure(ENOTSUP) if it lacks queue pairs, or a
    ///         feature that an earlier negotiate() chose: the connection is given up
    [[nodiscard]] Result<bool> connect();
    [[nodiscard]] bool connected() const { return backend_->connected(); }
    [[nodiscard]] bool link_up() { return backend_->connected() && backend_->link_up(); }
    /// The peer has closed the connection.
    [[nodiscard]] bool peer_is_gone() const { return backend_->connected() && !backend_->alive(); }
    /// Closes the connection to a peer that has left or is unusable. The rings stay as they are.
    void disconnect();

    /// The features that a driver can choose from. Before the first connect(): all that the
    /// arguments allow.
    [[nodiscard]] std::uint64_t offered() const { return offered_; }
    /// Chooses features for the next start().
    /// @param features  of offered()
    void negotiate(std::uint64_t features) { features_ = features; }
    [[nodiscard]] std::uint64_t features() const { return features_; }

    /// Resets the back end, repeats the negotiation and starts the rings, in the order that
    /// back ends rely on. On failure the connection is given up.
    /// @param rings  by ring; those without a size are left out
    [[nodiscard]] Result<void> start(std::span<const MemoryRegion> memory,
                                     std::span<const Ring> rings, std::uint16_t active_pairs);
    [[nodiscard]] bool started() const { return !running_.empty(); }
    /// Disables the pairs and stops the rings. Nothing if it is not started. On failure the
    /// connection is given up, as with the following.
    [[nodiscard]] Result<void> stop();
    /// While it is started: enables the first pairs and disables the others.
    [[nodiscard]] Result<void> enable_pairs(std::uint16_t active_pairs);
    /// While it is started: replaces the memory table. The active pairs are disabled meanwhile.
    [[nodiscard]] Result<void> replace_memory(std::span<const MemoryRegion> memory);

    /// The device status (virtio 1.2, 2.1), as the back end reports it if it has one.
    [[nodiscard]] Result<std::uint8_t> status();

    [[nodiscard]] std::uint16_t pairs() const { return options_.pairs; }
    [[nodiscard]] int call_fd(unsigned ring) const { return events_[ring].call.get(); }
    [[nodiscard]] int kick_fd(unsigned ring) const { return events_[ring].kick.get(); }
    [[nodiscard]] int interrupt_fd() const { return backend_->interrupt_fd(); }

private:
    struct Events {
        FileDescriptor call; ///< the back end has used buffers
        FileDescriptor kick; ///< the driver has added buffers
    };

    Device(std::unique_ptr<Backend> backend, Options options, std::vector<Events> events);

    [[nodiscard]] Result<void> examine();
    [[nodiscard]] Result<void> or_disconnect(Result<void> result);
    [[nodiscard]] Result<void> bring_up(std::span<const MemoryRegion> memory,
                                        std::span<const Ring> rings, std::uint16_t active_pairs);
    [[nodiscard]] Result<void> send_features();
    [[nodiscard]] Result<void> start_ring(unsigned index, const Ring &ring);
    [[nodiscard]] Result<void> switch_pairs(std::uint16_t active_pairs);
    [[nodiscard]] Result<void> stop_rings();
    [[nodiscard]] Result<void> add_status(std::uint8_t bits);

    std::unique_ptr<Backend> backend_;
    Options options_;
    std::vector<Events> events_; ///< by ring
    std::uint64_t offered_;
    std::uint64_t backend_features_ = 0;
    std::uint64_t features_ = 0;
    std::vector<unsigned> running_; ///< rings
    std::uint16_t active_pairs_ = 0;
    std::uint8_t status_ = 0;
};

/// "ACKNOWLEDGE|DRIVER|...", for a log line.
[[nodiscard]] std::string describe_status(std::uint8_t status);

} // namespace netvsc::virtio
