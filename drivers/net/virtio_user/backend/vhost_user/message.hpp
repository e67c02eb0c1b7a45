// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

/// The messages of the vhost-user protocol that the driver sends, as on the socket: native byte
/// order, no padding. Source: QEMU, docs/interop/vhost-user.rst.
namespace netvsc::virtio::vhost_user {

enum class Request : std::uint32_t {
    get_features = 1,
    set_features = 2,
    set_owner = 3,
    set_mem_table = 5,
    set_vring_num = 8,
    set_vring_addr = 9,
    set_vring_base = 10,
    get_vring_base = 11,
    set_vring_kick = 12,
    set_vring_call = 13,
    get_protocol_features = 15,
    set_protocol_features = 16,
    get_queue_num = 17,
    set_vring_enable = 18,
    get_max_mem_slots = 36,
    add_mem_reg = 37,
    rem_mem_reg = 38,
    set_status = 39,
    get_status = 40,
};

/// The name in the protocol's text, such as "SET_VRING_NUM".
[[nodiscard]] constexpr const char *name_of(Request request) {
    switch (request) {
    case Request::get_features:
        return "GET_FEATURES";
    case Request::set_features:
        return "SET_FEATURES";
    case Request::set_owner:
        return "SET_OWNER";
    case Request::set_mem_table:
        return "SET_MEM_TABLE";
    case Request::set_vring_num:
        return "SET_VRING_NUM";
    case Request::set_vring_addr:
        return "SET_VRING_ADDR";
    case Request::set_vring_base:
        return "SET_VRING_BASE";
    case Request::get_vring_base:
        return "GET_VRING_BASE";
    case Request::set_vring_kick:
        return "SET_VRING_KICK";
    case Request::set_vring_call:
        return "SET_VRING_CALL";
    case Request::get_protocol_features:
        return "GET_PROTOCOL_FEATURES";
    case Request::set_protocol_features:
        return "SET_PROTOCOL_FEATURES";
    case Request::get_queue_num:
        return "GET_QUEUE_NUM";
    case Request::set_vring_enable:
        return "SET_VRING_ENABLE";
    case Request::get_max_mem_slots:
        return "GET_MAX_MEM_SLOTS";
    case Request::add_mem_reg:
        return "ADD_MEM_REG";
    case Request::rem_mem_reg:
        return "REM_MEM_REG";
    case Request::set_status:
        return "SET_STATUS";
    case Request::get_status:
        return "GET_STATUS";
    }
    return "unknown request";
}

struct Header {
    Request request;
    std::uint32_t flags;
    std::uint32_t size; ///< of the payload, bytes
};

constexpr std::uint32_t version = 1;
constexpr std::uint32_t version_mask = 0x3;
constexpr std::uint32_t flag_reply = 1U << 2;
constexpr std::uint32_t flag_need_reply = 1U << 3;

/// Payload of SET_VRING_NUM, _BASE, _ENABLE and GET_VRING_BASE.
struct VringState {
    std::uint32_t index;
    std::uint32_t num;
};

/// Payload of SET_VRING_ADDR.
struct VringAddress {
    std::uint32_t index;
    std::uint32_t flags; ///< bit 0: the used ring is logged
    std::uint64_t descriptors;
    std::uint64_t used;
    std::uint64_t available;
    std::uint64_t log;
};

struct Region {
    std::uint64_t guest_address;
    std::uint64_t size;
    std::uint64_t user_address;
    std::uint64_t mmap_offset;
};

/// How many regions one SET_MEM_TABLE can have.
constexpr std::size_t max_table_regions = 8;

/// Payload of SET_MEM_TABLE. Only the first `count` regions are sent.
struct MemoryTable {
    std::uint32_t count;
    std::uint32_t padding;
    Region regions[max_table_regions];
};

/// Payload of ADD_MEM_REG and REM_MEM_REG.
struct SingleRegion {
    std::uint64_t padding;
    Region region;
};

static_assert(sizeof(Header) == 12 && sizeof(VringState) == 8 && sizeof(VringAddress) == 40 &&
              sizeof(Region) == 32 && sizeof(SingleRegion) == 40);

/// Bits of GET_PROTOCOL_FEATURES that the driver uses.
namespace protocol_feature {
constexpr std::uint64_t mq = 1ULL << 0;
constexpr std::uint64_t reply_ack = 1ULL << 3;
constexpr std::uint64_t configure_mem_slots = 1ULL << 15;
constexpr std::uint64_t status = 1ULL << 16;
constexpr std::uint64_t supported = mq | reply_ack | configure_mem_slots | status;
} // namespace protocol_feature

/// VHOST_USER_F_PROTOCOL_FEATURES: the virtio feature bit that is vhost-user's own.
constexpr std::uint64_t feature_protocol_features = 1ULL << 30;

/// Bit of SET_VRING_KICK's and _CALL's payload: no descriptor comes with the message.
constexpr std::uint64_t no_descriptor = 1ULL << 8;

} // namespace netvsc::virtio::vhost_user
