// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace netvsc::virtio {

// Commands of the control queue (virtio 1.2, section 5.1.6.5): class, command and data as the
// device reads them. The device answers one byte, the acknowledgement.

/// The bytes of a command, in the order of the specification.
using ControlCommand = std::vector<std::byte>;
using EtherAddress = std::array<std::uint8_t, 6>;

inline constexpr std::size_t control_header_size = 2; ///< class and command

[[nodiscard]] ControlCommand set_queue_pairs_command(std::uint16_t pairs);
[[nodiscard]] ControlCommand set_promiscuous_command(bool on);
[[nodiscard]] ControlCommand set_all_multicast_command(bool on);
[[nodiscard]] ControlCommand set_mac_command(const EtherAddress &address);
[[nodiscard]] ControlCommand set_mac_table_command(std::span<const EtherAddress> unicast,
                                                   std::span<const EtherAddress> multicast);
/// @param id  0 to 4095
[[nodiscard]] ControlCommand add_vlan_command(std::uint16_t id);
[[nodiscard]] ControlCommand remove_vlan_command(std::uint16_t id);

enum class ControlAnswer : std::uint8_t { done = 0, refused = 1 };

/// The largest command that the device side reads: a table of more than 600 addresses.
inline constexpr std::size_t max_control_command = 4096;

/// What the emulated device does with a command. Executes the number of queue pairs. Accepts well
/// formed receive-mode, address and VLAN commands without effect, because the back end delivers
/// every frame. Refuses everything else.
/// @param max_pairs  the device's pairs; a command may set 1 to this many
/// @param set_pairs  enables the first pairs, disables the others; false if the back end failed
[[nodiscard]] ControlAnswer
execute_control_command(std::span<const std::byte> command, std::uint16_t max_pairs,
                        const std::function<bool(std::uint16_t)> &set_pairs);

} // namespace netvsc::virtio
