// SPDX-License-Identifier: BSD-3-Clause
#include "backend/vhost_user/vhost_user.hpp"

#include "backend/vhost_user/unix_socket.hpp"

#include <algorithm>
#include <array>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace netvsc::virtio {

using vhost_user::bytes_of;
using vhost_user::Request;
namespace protocol_feature = vhost_user::protocol_feature;

namespace {

vhost_user::Region region_of(const MemoryRegion &region) {
    return {.guest_address = region.address,
            .size = region.size,
            .user_address = region.address,
            .mmap_offset = region.offset};
}

bool contains(std::span<const MemoryRegion> regions, const MemoryRegion &region) {
    return std::ranges::find(regions, region) != regions.end();
}

Error too_many_regions(std::size_t regions, std::uint64_t limit) {
    return {.number = E2BIG,
            .context = "memory of " + std::to_string(regions) + " regions, the peer takes " +
                       std::to_string(limit) + " (EAL's --single-file-segments makes fewer)"};
}

} // namespace

Result<std::unique_ptr<VhostUser>> VhostUser::client(std::string path,
                                                     std::chrono::milliseconds patience) {
    return std::unique_ptr<VhostUser>(new VhostUser(std::move(path), {}, patience));
}

Result<std::unique_ptr<VhostUser>> VhostUser::server(std::string path,
                                                     std::chrono::milliseconds patience) {
    auto listener = vhost_user::listen_at(path);
    if (!listener)
        return std::unexpected(listener.error());
    return std::unique_ptr<VhostUser>(
        new VhostUser(std::move(path), std::move(*listener), patience));
}

VhostUser::~VhostUser() {
    if (listener_.valid())
        ::unlink(path_.c_str());
}

Result<bool> VhostUser::connect() {
    if (connected())
        return true;
    FileDescriptor socket;
    if (listener_.valid()) {
        socket = FileDescriptor(
            ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket.valid() && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
            return false;
        if (!socket.valid())
            return system_error("accept at " + path_);
    } else {
        auto made = vhost_user::connect_to(path_);
        if (!made)
            return std::unexpected(made.error());
        socket = std::move(*made);
    }
    connection_ = vhost_user::Connection(std::move(socket), patience_);
    return true;
}

void VhostUser::disconnect() {
    connection_ = {};
    protocol_features_ = 0;
    has_protocol_features_ = false;
    max_pairs_ = 1;
    memory_slots_ = vhost_user::max_table_regions;
    slots_.clear();
}

Result<void> VhostUser::send(Request request, std::span<const std::byte> payload,
                             std::span<const int> fds) {
    return connection_.send(request, payload, has(protocol_feature::reply_ack), fds);
}

Result<void> VhostUser::send(Request request, std::uint64_t payload, std::span<const int> fds) {
    return send(request, bytes_of(payload), fds);
}

Result<std::uint64_t> VhostUser::ask(Request request) {
    std::uint64_t answer = 0;
    if (auto asked = connection_.ask(request, {}, std::as_writable_bytes(std::span(&answer, 1)));
        !asked)
        return std::unexpected(asked.error());
    return answer;
}

Result<void> VhostUser::set_owner() {
    if (auto owned = send(Request::set_owner, std::span<const std::byte>{}); !owned)
        return owned;
    return negotiate_protocol();
}

Result<void> VhostUser::negotiate_protocol() {
    const auto features = ask(Request::get_features);
    if (!features)
        return std::unexpected(features.error());
    has_protocol_features_ = (*features & vhost_user::feature_protocol_features) != 0;
    if (!has_protocol_features_)
        return {};
    const auto offered = ask(Request::get_protocol_features);
    if (!offered)
        return std::unexpected(offered.error());
    const std::uint64_t chosen = *offered & protocol_feature::supported;
    if (auto set = send(Request::set_protocol_features, chosen); !set)
        return set;
    protocol_features_ = chosen;
    if (has(protocol_feature::mq)) {
        const auto pairs = ask(Request::get_queue_num);
        if (!pairs)
            return std::unexpected(pairs.error());
        max_pairs_ = static_cast<std::uint16_t>(std::clamp<std::uint64_t>(*pairs, 1, UINT16_MAX));
    }
    if (has(protocol_feature::configure_mem_slots)) {
        const auto slots = ask(Request::get_max_mem_slots);
        if (!slots)
            return std::unexpected(slots.error());
        memory_slots_ = *slots;
    }
    return {};
}

Result<std::uint64_t> VhostUser::features() {
    auto features = ask(Request::get_features);
    if (features)
        *features &= ~vhost_user::feature_protocol_features;
    return features;
}

Result<void> VhostUser::set_features(std::uint64_t features) {
    if (has_protocol_features_)
        features |= vhost_user::feature_protocol_features;
    return send(Request::set_features, features);
}

Result<void> VhostUser::set_memory(std::span<const MemoryRegion> regions) {
    if (regions.size() > memory_slots_)
        return std::unexpected(too_many_regions(regions.size(), memory_slots_));
    return has(protocol_feature::configure_mem_slots) ? set_slots(regions) : set_table(regions);
}

Result<void> VhostUser::set_table(std::span<const MemoryRegion> regions) {
    vhost_user::MemoryTable table{
        .count = static_cast<std::uint32_t>(regions.size()), .padding = 0, .regions = {}};
    std::array<int, vhost_user::max_table_regions> fds;
    std::ranges::transform(regions, table.regions, region_of);
    std::ranges::transform(regions, fds.begin(), &MemoryRegion::fd);
    const std::size_t size =
        offsetof(vhost_user::MemoryTable, regions) + regions.size() * sizeof(vhost_user::Region);
    return send(Request::set_mem_table, bytes_of(table).first(size),
                std::span(fds).first(regions.size()));
}

Result<void> VhostUser::send_region(Request request, const MemoryRegion &region) {
    const vhost_user::SingleRegion payload{.padding = 0, .region = region_of(region)};
    return send(request, bytes_of(payload), std::span(&region.fd, 1));
}

// First what is no longer there, so that there are slots for what is new.
Result<void> VhostUser::set_slots(std::span<const MemoryRegion> regions) {
    for (auto slot = slots_.begin(); slot != slots_.end();) {
        if (contains(regions, *slot)) {
            ++slot;
            continue;
        }
        if (auto removed = send_region(Request::rem_mem_reg, *slot); !removed)
            return removed;
        slot = slots_.erase(slot);
    }
    for (const MemoryRegion &region : regions) {
        if (contains(slots_, region))
            continue;
        if (auto added = send_region(Request::add_mem_reg, region); !added)
            return added;
        slots_.push_back(region);
    }
    return {};
}

Result<void> VhostUser::set_ring_call(unsigned ring, int eventfd) {
    return send(Request::set_vring_call, std::uint64_t{ring}, std::span(&eventfd, 1));
}

Result<void> VhostUser::set_ring_size(unsigned ring, std::uint32_t size) {
    return send(Request::set_vring_num,
                bytes_of(vhost_user::VringState{.index = ring, .num = size}));
}

Result<void> VhostUser::set_ring_base(unsigned ring, std::uint32_t base) {
    return send(Request::set_vring_base,
                bytes_of(vhost_user::VringState{.index = ring, .num = base}));
}

Result<void> VhostUser::set_ring_addresses(unsigned ring, const RingAddresses &addresses) {
    return send(Request::set_vring_addr,
                bytes_of(vhost_user::VringAddress{.index = ring,
                                                  .flags = 0,
                                                  .descriptors = addresses.descriptors,
                                                  .used = addresses.device,
                                                  .available = addresses.driver,
                                                  .log = 0}));
}

Result<void> VhostUser::set_ring_kick(unsigned ring, int eventfd) {
    return send(Request::set_vring_kick, std::uint64_t{ring}, std::span(&eventfd, 1));
}

Result<std::uint32_t> VhostUser::ring_base(unsigned ring) {
    const vhost_user::VringState question{.index = ring, .num = 0};
    vhost_user::VringState answer{};
    if (auto asked = connection_.ask(Request::get_vring_base, bytes_of(question),
                                     std::as_writable_bytes(std::span(&answer, 1)));
        !asked)
        return std::unexpected(asked.error());
    if (answer.index != ring)
        return failure(EPROTO, "vhost-user GET_VRING_BASE: the reply is about ring " +
                                   std::to_string(answer.index) + ", not " + std::to_string(ring));
    return answer.num;
}

Result<void> VhostUser::enable_pair(unsigned pair, bool on) {
    // Without the protocol features a ring is enabled by its kick.
    if (!has_protocol_features_)
        return {};
    for (const unsigned ring : {2 * pair, 2 * pair + 1}) {
        if (auto set = send(Request::set_vring_enable,
                            bytes_of(vhost_user::VringState{.index = ring, .num = on}));
            !set)
            return set;
    }
    return {};
}

Result<std::optional<std::uint8_t>> VhostUser::status() {
    if (!has(protocol_feature::status))
        return std::nullopt;
    const auto status = ask(Request::get_status);
    if (!status)
        return std::unexpected(status.error());
    if (*status > UINT8_MAX)
        return failure(EPROTO, "vhost-user GET_STATUS: status " + std::to_string(*status) +
                                   "; expected 0 to 255");
    return static_cast<std::uint8_t>(*status);
}

Result<void> VhostUser::set_status(std::uint8_t status) {
    if (!has(protocol_feature::status))
        return {};
    return send(Request::set_status, std::uint64_t{status});
}

} // namespace netvsc::virtio
