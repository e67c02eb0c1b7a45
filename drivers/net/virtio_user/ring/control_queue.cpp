// SPDX-License-Identifier: BSD-3-Clause
#include "ring/control_queue.hpp"

#include <algorithm>
#include <vector>

namespace netvsc::virtio {
namespace {

/// The device's own copy, which the driver's memory cannot change any more. Longer than
/// max_control_command by one byte if the command is too long.
std::vector<std::byte> copy_command(const DeviceChain &chain) {
    std::vector<std::byte> command;
    for (const std::span<const std::byte> segment : chain.readable) {
        const std::size_t room = max_control_command + 1 - command.size();
        const auto part = segment.first(std::min(segment.size(), room));
        command.insert(command.end(), part.begin(), part.end());
    }
    return command;
}

} // namespace

std::expected<unsigned, DeviceRing::Error>
serve_control_queue(DeviceRing &ring, std::uint16_t max_pairs,
                    const std::function<bool(std::uint16_t)> &set_pairs) {
    for (unsigned served = 0;; ++served) {
        const auto chain = ring.next();
        if (!chain) {
            if (chain.error() == DeviceRing::Error::empty)
                return served;
            return std::unexpected(chain.error());
        }
        const auto answer =
            std::ranges::find_if(chain->writable, [](auto segment) { return !segment.empty(); });
        if (answer == chain->writable.end()) { // no room for an answer: not a command
            ring.push(*chain, 0);
            continue;
        }
        const std::vector<std::byte> command = copy_command(*chain);
        const auto result = command.size() > max_control_command
                                ? ControlAnswer::refused
                                : execute_control_command(command, max_pairs, set_pairs);
        answer->front() = static_cast<std::byte>(result);
        ring.push(*chain, 1);
    }
}

} // namespace netvsc::virtio
