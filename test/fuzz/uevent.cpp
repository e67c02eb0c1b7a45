// SPDX-License-Identifier: BSD-3-Clause
// Uevents as the driver reads them from their socket.
#include "netlink/uevent.hpp"

#include "require.hpp"

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto buffer =
        std::make_unique<std::byte[]>(size); // of its very size: a read past the end is seen
    std::memcpy(buffer.get(), data, size);
    const auto event = parse_uevent(std::span<const std::byte>(buffer.get(), size));
    if (!event)
        return 0;
    require(!event->action.empty() && !event->device_path.empty() && !event->subsystem.empty());
    planted_bug(!event->synthetic.empty() && !event->pci_slot_name.empty());
    const auto *begin = reinterpret_cast<const char *>(buffer.get());
    for (const std::string_view view : {event->action, event->device_path, event->subsystem,
                                        event->pci_slot_name, event->interface, event->synthetic}) {
        // Each lies within the datagram, and ends at a NUL of it.
        const std::less_equal<const char *> before;
        require(view.empty() || (before(begin, view.data()) &&
                                 before(view.data() + view.size() + 1, begin + size)));
        require(view.find('\0') == std::string_view::npos);
    }
    return 0;
}
