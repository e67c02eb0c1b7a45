// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"
#include "backend/vhost_kernel/tap.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace netvsc::virtio {

/// The kernel's vhost-net, which moves the frames between the rings and a tap netdevice of its own
/// (linux/vhost.h). Each pair has an instance of vhost-net and a queue of the tap.
///
/// More than 15 public methods: those of Backend.
class VhostKernel : public Backend {
public:
    struct Options {
        std::string path = "/dev/vhost-net";
        std::string tap;               ///< name of the netdevice; empty: tap0, tap1, ...
        std::optional<MacAddress> mac; ///< of the netdevice; none: the kernel chooses one
        std::uint16_t pairs = 1;
    };

    /// Opens vhost-net and makes the netdevice. Needs CAP_NET_ADMIN.
    [[nodiscard]] static Result<std::unique_ptr<VhostKernel>> open(const Options &options);

    Result<void> set_owner() override;
    Result<std::uint64_t> features() override;
    Result<void> set_features(std::uint64_t features) override;
    std::uint16_t max_pairs() const override { return static_cast<std::uint16_t>(pairs_.size()); }
    Result<void> set_memory(std::span<const MemoryRegion> regions) override;
    Result<void> set_ring_call(unsigned ring, int eventfd) override;
    Result<void> set_ring_size(unsigned ring, std::uint32_t size) override;
    Result<void> set_ring_base(unsigned ring, std::uint32_t base) override;
    Result<void> set_ring_addresses(unsigned ring, const RingAddresses &addresses) override;
    Result<void> set_ring_kick(unsigned ring, int eventfd) override;
    Result<std::uint32_t> ring_base(unsigned ring) override;
    /// vhost-net has no switch: it gets the tap's queue, or loses it.
    Result<void> enable_pair(unsigned pair, bool on) override;
    Result<std::optional<std::uint8_t>> status() override { return std::nullopt; }
    Result<void> set_status(std::uint8_t) override { return {}; }
    bool link_up() override { return true; }
    int interrupt_fd() const override { return -1; }
    bool connected() const override { return connected_; }
    Result<bool> connect() override { return connected_ = true; }
    /// Takes the tap from vhost-net.
    void disconnect() override;

    /// The netdevice's name.
    [[nodiscard]] const std::string &tap() const { return pairs_.front().tap.name(); }

private:
    struct Pair {
        FileDescriptor vhost;
        TapQueue tap;
        bool enabled = false;
    };

    explicit VhostKernel(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {}

    template <typename Argument>
    [[nodiscard]] Result<void> call(unsigned pair, unsigned long request, Argument *argument,
                                    const char *name) const;
    template <typename Argument>
    [[nodiscard]] Result<void> call_all(unsigned long request, Argument *argument,
                                        const char *name) const;
    [[nodiscard]] Result<void> attach(unsigned pair, int tap_fd) const;

    std::vector<Pair> pairs_;
    bool owned_ = false;
    bool connected_ = false;
};

} // namespace netvsc::virtio
