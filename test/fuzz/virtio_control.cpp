// SPDX-License-Identifier: BSD-3-Clause
// The emulated device's side of the control queue, with a ring and commands of any content.
#include "require.hpp"
#include "ring/control_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

using namespace netvsc;
using namespace netvsc::virtio;

namespace {

constexpr std::uint16_t entries = 8;
constexpr std::uint16_t max_pairs = 4;
/// Addresses in the driver's memory start here. It holds the ring, then commands.
constexpr std::uint64_t base = 0x10000;
constexpr std::size_t commands = 256;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    const bool packed = data[0] & 1;
    const RingLayout layout = packed ? packed_layout(entries) : split_layout(entries);
    const std::size_t length = layout.size + commands;
    // Of its very size: an access outside is seen.
    const std::unique_ptr<std::byte[]> memory(new std::byte[length]());
    std::memcpy(memory.get(), data + 1, std::min(size - 1, length));

    const Translate translate = [&](std::uint64_t address, std::uint64_t bytes) -> std::byte * {
        const std::uint64_t offset = address - base;
        return offset <= length && bytes <= length - offset ? memory.get() + offset : nullptr;
    };
    const auto device = packed ? make_packed_device_ring(memory.get(), entries, translate)
                               : make_split_device_ring(memory.get(), entries, translate);
    const auto set_pairs = [](std::uint16_t pairs) {
        require(pairs >= 1 && pairs <= max_pairs);
        planted_bug(pairs == 3);
        return true;
    };
    for (unsigned call = 0; call < 4; ++call) {
        const auto served = serve_control_queue(*device, max_pairs, set_pairs);
        require(!served || *served <= max_control_commands);
        if (!served)
            require(served.error() != DeviceRing::Error::empty);
    }
    return 0;
}
