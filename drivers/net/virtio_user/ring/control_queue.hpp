// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ring/control_command.hpp"
#include "ring/device_ring.hpp"
#include "ring/ring.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>

namespace netvsc::virtio {

/// The memory of the command in flight, which the driver shares with the device.
struct ControlMemory {
    std::byte *data = nullptr; ///< control_memory_size bytes; the caller owns them
    std::uint64_t address = 0; ///< of `data`, in the device's address space
};
inline constexpr std::size_t control_memory_size = max_control_command + 1;

/// The driver's side of the control queue. One command is in flight at a time.
template <DriverRing Ring> class ControlDriver {
public:
    /// @param ring  at least 4 entries; outlives this object
    ControlDriver(Ring &ring, ControlMemory memory) : ring_(ring), memory_(memory) {}

    /// Offers and publishes a command. The caller kicks the device.
    /// @return false if a command is in flight, or this one has no data or is larger than
    ///         max_control_command
    [[nodiscard]] bool submit(std::span<const std::byte> command);
    /// The answer to the command in flight; nullopt if the device has not answered. An answer the
    /// specification does not know is a refusal.
    [[nodiscard]] std::optional<ControlAnswer> poll();

private:
    Ring &ring_;
    ControlMemory memory_;
    bool in_flight_ = false;
};

template <DriverRing Ring> bool ControlDriver<Ring>::submit(std::span<const std::byte> command) {
    if (in_flight_ || command.size() <= control_header_size || command.size() > max_control_command)
        return false;
    std::ranges::copy(command, memory_.data);
    memory_.data[max_control_command] = static_cast<std::byte>(ControlAnswer::refused);
    // Linux and DPDK cut a command like this, and some devices expect it.
    const auto data_length = static_cast<std::uint32_t>(command.size() - control_header_size);
    const std::array<Segment, 2> readable = {
        {{.address = memory_.address, .length = control_header_size},
         {.address = memory_.address + control_header_size, .length = data_length}}};
    const Segment answer = {.address = memory_.address + max_control_command, .length = 1};
    ring_.offer_chain(readable, {&answer, 1}, this);
    in_flight_ = ring_.publish();
    return in_flight_;
}

template <DriverRing Ring> std::optional<ControlAnswer> ControlDriver<Ring>::poll() {
    bool written = false;
    if (ring_.take(1, [&](void *, std::uint32_t length) { written = length != 0; }) == 0)
        return std::nullopt;
    in_flight_ = false;
    const auto answer = static_cast<ControlAnswer>(memory_.data[max_control_command]);
    return written && answer == ControlAnswer::done ? ControlAnswer::done : ControlAnswer::refused;
}

/// Executes every command that is available in the emulated device's control queue.
/// @return how many; an error if the ring is malformed. The device then must be reset.
[[nodiscard]] std::expected<unsigned, DeviceRing::Error>
serve_control_queue(DeviceRing &ring, std::uint16_t max_pairs,
                    const std::function<bool(std::uint16_t)> &set_pairs);

} // namespace netvsc::virtio
