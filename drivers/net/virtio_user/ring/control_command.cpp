// SPDX-License-Identifier: BSD-3-Clause
#include "ring/control_command.hpp"

#include "ring/virtio_net.hpp"

#include <cstring>
#include <optional>
#include <type_traits>

namespace netvsc::virtio {
namespace {

constexpr std::uint16_t max_vlan_id = 4095;

template <typename Value> void append(ControlCommand &command, const Value &value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    const auto bytes = std::as_bytes(std::span(&value, 1));
    command.insert(command.end(), bytes.begin(), bytes.end());
}

template <typename Value>
ControlCommand make(std::uint8_t command_class, std::uint8_t command, const Value &data) {
    ControlCommand bytes;
    append(bytes, command_class);
    append(bytes, command);
    append(bytes, data);
    return bytes;
}

void append_addresses(ControlCommand &command, std::span<const EtherAddress> addresses) {
    append(command, static_cast<std::uint32_t>(addresses.size()));
    for (const EtherAddress &address : addresses)
        append(command, address);
}

template <typename Value> std::optional<Value> read(std::span<const std::byte> data) {
    if (data.size() != sizeof(Value))
        return std::nullopt;
    Value value;
    std::memcpy(&value, data.data(), sizeof value);
    return value;
}

/// Removes one address table from the front.
bool skip_addresses(std::span<const std::byte> &data) {
    std::uint32_t count = 0;
    if (data.size() < sizeof count)
        return false;
    std::memcpy(&count, data.data(), sizeof count);
    data = data.subspan(sizeof count);
    if (count > data.size() / sizeof(EtherAddress))
        return false;
    data = data.subspan(count * sizeof(EtherAddress));
    return true;
}

bool is_mac_command(std::uint8_t command, std::span<const std::byte> data) {
    switch (command) {
    case VIRTIO_NET_CTRL_MAC_TABLE_SET:
        return skip_addresses(data) && skip_addresses(data) && data.empty();
    case VIRTIO_NET_CTRL_MAC_ADDR_SET:
        return data.size() == sizeof(EtherAddress);
    default:
        return false;
    }
}

bool is_vlan_command(std::uint8_t command, std::span<const std::byte> data) {
    const auto id = read<std::uint16_t>(data);
    return (command == VIRTIO_NET_CTRL_VLAN_ADD || command == VIRTIO_NET_CTRL_VLAN_DEL) && id &&
           *id <= max_vlan_id;
}

bool is_receive_mode_command(std::uint8_t command, std::span<const std::byte> data) {
    const auto on = read<std::uint8_t>(data);
    return (command == VIRTIO_NET_CTRL_RX_PROMISC || command == VIRTIO_NET_CTRL_RX_ALLMULTI) &&
           on && *on <= 1;
}

} // namespace

ControlCommand set_queue_pairs_command(std::uint16_t pairs) {
    return make(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs);
}

ControlCommand set_promiscuous_command(bool on) {
    return make(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, std::uint8_t{on});
}

ControlCommand set_all_multicast_command(bool on) {
    return make(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, std::uint8_t{on});
}

ControlCommand set_mac_command(const EtherAddress &address) {
    return make(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, address);
}

ControlCommand set_mac_table_command(std::span<const EtherAddress> unicast,
                                     std::span<const EtherAddress> multicast) {
    ControlCommand command;
    append(command, std::uint8_t{VIRTIO_NET_CTRL_MAC});
    append(command, std::uint8_t{VIRTIO_NET_CTRL_MAC_TABLE_SET});
    append_addresses(command, unicast);
    append_addresses(command, multicast);
    return command;
}

ControlCommand add_vlan_command(std::uint16_t id) {
    return make(VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, id);
}

ControlCommand remove_vlan_command(std::uint16_t id) {
    return make(VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, id);
}

ControlAnswer execute_control_command(std::span<const std::byte> command, std::uint16_t max_pairs,
                                      const std::function<bool(std::uint16_t)> &set_pairs) {
    const auto answer = [](bool done) {
        return done ? ControlAnswer::done : ControlAnswer::refused;
    };
    if (command.size() < control_header_size)
        return ControlAnswer::refused;
    const auto kind = std::to_integer<std::uint8_t>(command[1]);
    const auto data = command.subspan(control_header_size);
    switch (std::to_integer<std::uint8_t>(command[0])) {
    case VIRTIO_NET_CTRL_MQ: {
        const auto pairs = read<std::uint16_t>(data);
        return answer(kind == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET && pairs && *pairs >= 1 &&
                      *pairs <= max_pairs && set_pairs(*pairs));
    }
    case VIRTIO_NET_CTRL_RX:
        return answer(is_receive_mode_command(kind, data));
    case VIRTIO_NET_CTRL_MAC:
        return answer(is_mac_command(kind, data));
    case VIRTIO_NET_CTRL_VLAN:
        return answer(is_vlan_command(kind, data));
    default:
        return ControlAnswer::refused;
    }
}

} // namespace netvsc::virtio
