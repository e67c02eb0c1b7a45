// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"
#include "backend/vhost_user/connection.hpp"

#include <memory>
#include <string>
#include <vector>

namespace netvsc::virtio {

/// A back end in another process, reached by the vhost-user protocol over a Unix socket.
///
/// As a client it connects to the peer's socket. As a server it makes the socket and takes one
/// peer at a time. It starts without a peer: connect() brings one.
///
/// More than 15 public methods: those of Backend.
class VhostUser : public Backend {
public:
    /// How long the peer may take for one request.
    static constexpr std::chrono::milliseconds default_patience{5000};

    /// @param path  of the peer's socket
    [[nodiscard]] static Result<std::unique_ptr<VhostUser>>
    client(std::string path, std::chrono::milliseconds patience = default_patience);
    /// Makes the socket. Replaces a socket file that nobody listens on.
    /// @return failure(EADDRINUSE) if another process listens there
    [[nodiscard]] static Result<std::unique_ptr<VhostUser>>
    server(std::string path, std::chrono::milliseconds patience = default_patience);
    ~VhostUser() override;

    Result<void> set_owner() override;
    Result<std::uint64_t> features() override;
    Result<void> set_features(std::uint64_t features) override;
    std::uint16_t max_pairs() const override { return max_pairs_; }
    Result<void> set_memory(std::span<const MemoryRegion> regions) override;
    Result<void> set_ring_call(unsigned ring, int eventfd) override;
    Result<void> set_ring_size(unsigned ring, std::uint32_t size) override;
    Result<void> set_ring_base(unsigned ring, std::uint32_t base) override;
    Result<void> set_ring_addresses(unsigned ring, const RingAddresses &addresses) override;
    Result<void> set_ring_kick(unsigned ring, int eventfd) override;
    Result<std::uint32_t> ring_base(unsigned ring) override;
    Result<void> enable_pair(unsigned pair, bool on) override;
    Result<std::optional<std::uint8_t>> status() override;
    Result<void> set_status(std::uint8_t status) override;
    bool link_up() override { return alive(); }
    bool alive() const override { return connected() && !connection_.broken(); }
    int interrupt_fd() const override { return connected() ? connection_.fd() : listener_.get(); }
    bool connected() const override { return connection_.valid(); }
    Result<bool> connect() override;
    void disconnect() override;

private:
    VhostUser(std::string path, FileDescriptor listener, std::chrono::milliseconds patience)
        : path_(std::move(path)), patience_(patience), listener_(std::move(listener)) {}

    [[nodiscard]] bool has(std::uint64_t protocol_feature) const {
        return (protocol_features_ & protocol_feature) != 0;
    }
    [[nodiscard]] Result<void> send(vhost_user::Request request, std::span<const std::byte> payload,
                                    std::span<const int> fds = {});
    [[nodiscard]] Result<void> send(vhost_user::Request request, std::uint64_t payload,
                                    std::span<const int> fds = {});
    [[nodiscard]] Result<std::uint64_t> ask(vhost_user::Request request);
    [[nodiscard]] Result<void> negotiate_protocol();
    [[nodiscard]] Result<void> set_table(std::span<const MemoryRegion> regions);
    [[nodiscard]] Result<void> set_slots(std::span<const MemoryRegion> regions);
    [[nodiscard]] Result<void> send_region(vhost_user::Request request, const MemoryRegion &region);

    const std::string path_;
    const std::chrono::milliseconds patience_;
    FileDescriptor listener_; ///< of a server
    vhost_user::Connection connection_;
    // What the present peer has agreed to.
    std::uint64_t protocol_features_ = 0;
    bool has_protocol_features_ = false;
    std::uint16_t max_pairs_ = 1;
    std::uint64_t memory_slots_ = vhost_user::max_table_regions;
    std::vector<MemoryRegion> slots_; ///< sent by ADD_MEM_REG
};

} // namespace netvsc::virtio
