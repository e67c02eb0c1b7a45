// SPDX-License-Identifier: BSD-3-Clause
#include "backend/vhost_kernel/vhost_kernel.hpp"

#include "backend/features.hpp"
#include "backend/kernel_memory.hpp"
#include "backend/linux_vhost.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <utility>

namespace netvsc::virtio {
namespace {

/// What the tap does itself, which vhost-net does not know of (tun.c of the kernel).
constexpr std::uint64_t tap_features = feature::csum | feature::guest_csum | feature::guest_tso4 |
                                       feature::guest_tso6 | feature::host_tso4 |
                                       feature::host_tso6;

unsigned tap_offloads(std::uint64_t features) {
    unsigned flags = 0;
    if ((features & feature::guest_csum) == 0)
        return flags;
    flags |= TUN_F_CSUM;
    if ((features & feature::guest_tso4) != 0)
        flags |= TUN_F_TSO4;
    if ((features & feature::guest_tso6) != 0)
        flags |= TUN_F_TSO6;
    return flags;
}

} // namespace

Result<std::unique_ptr<VhostKernel>> VhostKernel::open(const Options &options) {
    std::vector<Pair> pairs;
    std::string name = options.tap.empty() ? "tap%d" : options.tap;
    for (unsigned pair = 0; pair < options.pairs; ++pair) {
        FileDescriptor vhost(::open(options.path.c_str(), O_RDWR | O_CLOEXEC));
        if (!vhost.valid())
            return system_error("open " + options.path);
        auto tap = TapQueue::attach(name);
        if (!tap)
            return std::unexpected(tap.error());
        name = tap->name();
        pairs.push_back({.vhost = std::move(vhost), .tap = std::move(*tap)});
    }
    if (options.mac) {
        if (auto set = pairs.front().tap.set_mac(*options.mac); !set)
            return std::unexpected(set.error());
    }
    return std::unique_ptr<VhostKernel>(new VhostKernel(std::move(pairs)));
}

template <typename Argument>
Result<void> VhostKernel::call(unsigned pair, unsigned long request, Argument *argument,
                               const char *name) const {
    if (::ioctl(pairs_[pair].vhost.get(), request, argument) != 0)
        return system_error("vhost-net pair " + std::to_string(pair) + ": " + name);
    return {};
}

template <typename Argument>
Result<void> VhostKernel::call_all(unsigned long request, Argument *argument,
                                   const char *name) const {
    for (unsigned pair = 0; pair < pairs_.size(); ++pair) {
        if (auto called = call(pair, request, argument, name); !called)
            return called;
    }
    return {};
}

Result<void> VhostKernel::set_owner() {
    if (owned_)
        return {};
    auto owned = call_all<void>(VHOST_SET_OWNER, nullptr, "VHOST_SET_OWNER");
    owned_ = owned.has_value();
    return owned;
}

Result<std::uint64_t> VhostKernel::features() {
    std::uint64_t features = 0;
    if (auto got = call(0, VHOST_GET_FEATURES, &features, "VHOST_GET_FEATURES"); !got)
        return std::unexpected(got.error());
    return features | tap_features;
}

Result<void> VhostKernel::set_features(std::uint64_t features) {
    for (const Pair &pair : pairs_) {
        if (auto set = pair.tap.set_offloads(tap_offloads(features)); !set)
            return set;
    }
    std::uint64_t own = features & ~tap_features;
    return call_all(VHOST_SET_FEATURES, &own, "VHOST_SET_FEATURES");
}

Result<void> VhostKernel::set_memory(std::span<const MemoryRegion> regions) {
    auto table = kernel_memory_table(regions);
    return call_all(VHOST_SET_MEM_TABLE, table.data(), "VHOST_SET_MEM_TABLE");
}

Result<void> VhostKernel::set_ring_call(unsigned ring, int eventfd) {
    vhost_vring_file file{.index = ring % 2, .fd = eventfd};
    return call(ring / 2, VHOST_SET_VRING_CALL, &file, "VHOST_SET_VRING_CALL");
}

Result<void> VhostKernel::set_ring_size(unsigned ring, std::uint32_t size) {
    vhost_vring_state state{.index = ring % 2, .num = size};
    return call(ring / 2, VHOST_SET_VRING_NUM, &state, "VHOST_SET_VRING_NUM");
}

Result<void> VhostKernel::set_ring_base(unsigned ring, std::uint32_t base) {
    vhost_vring_state state{.index = ring % 2, .num = base};
    return call(ring / 2, VHOST_SET_VRING_BASE, &state, "VHOST_SET_VRING_BASE");
}

Result<void> VhostKernel::set_ring_addresses(unsigned ring, const RingAddresses &addresses) {
    vhost_vring_addr address{.index = ring % 2,
                             .flags = 0,
                             .desc_user_addr = addresses.descriptors,
                             .used_user_addr = addresses.device,
                             .avail_user_addr = addresses.driver,
                             .log_guest_addr = 0};
    return call(ring / 2, VHOST_SET_VRING_ADDR, &address, "VHOST_SET_VRING_ADDR");
}

Result<void> VhostKernel::set_ring_kick(unsigned ring, int eventfd) {
    vhost_vring_file file{.index = ring % 2, .fd = eventfd};
    return call(ring / 2, VHOST_SET_VRING_KICK, &file, "VHOST_SET_VRING_KICK");
}

Result<std::uint32_t> VhostKernel::ring_base(unsigned ring) {
    vhost_vring_state state{.index = ring % 2, .num = 0};
    if (auto got = call(ring / 2, VHOST_GET_VRING_BASE, &state, "VHOST_GET_VRING_BASE"); !got)
        return std::unexpected(got.error());
    return state.num;
}

Result<void> VhostKernel::attach(unsigned pair, int tap_fd) const {
    for (const unsigned ring : {0U, 1U}) {
        vhost_vring_file file{.index = ring, .fd = tap_fd};
        if (auto set = call(pair, VHOST_NET_SET_BACKEND, &file, "VHOST_NET_SET_BACKEND"); !set)
            return set;
    }
    return {};
}

void VhostKernel::disconnect() {
    for (unsigned pair = 0; pair < pairs_.size(); ++pair)
        (void)enable_pair(pair, false);
    connected_ = false;
}

Result<void> VhostKernel::enable_pair(unsigned pair, bool on) {
    if (pairs_[pair].enabled == on)
        return {};
    auto attached = attach(pair, on ? pairs_[pair].tap.fd() : -1);
    if (attached)
        pairs_[pair].enabled = on;
    return attached;
}

} // namespace netvsc::virtio
