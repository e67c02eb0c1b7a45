// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "ring/control_command.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace netvsc::virtio {

/// The control queue: the driver's end and the emulated device's end, in memory that the back end
/// does not see. Not thread-safe.
class ControlChannel {
public:
    ControlChannel() = default;
    ControlChannel(const ControlChannel &) = delete;
    ControlChannel &operator=(const ControlChannel &) = delete;
    virtual ~ControlChannel() = default;

    /// @param max_pairs  of the device
    /// @param set_pairs  the device's way to enable the first pairs
    [[nodiscard]] static std::unique_ptr<ControlChannel>
    make(bool packed, std::uint16_t max_pairs, std::function<bool(std::uint16_t)> set_pairs);

    /// Sends a command through the queue and returns the device's answer.
    /// @return failure(ENOTSUP) if the device refuses the command
    [[nodiscard]] virtual Result<void> execute(std::span<const std::byte> command) = 0;
};

} // namespace netvsc::virtio
