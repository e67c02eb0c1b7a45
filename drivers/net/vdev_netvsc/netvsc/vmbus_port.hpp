// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace netvsc {

/// net_netvsc's ethdev port of a VMBus device, named by the device's GUID. A build without DPDK's
/// VMBus headers has none. Not in EAL's interrupt thread; one thread at a time.
class VmbusPort {
public:
    /// The process has DPDK's VMBus bus, and the driver's build knows it.
    [[nodiscard]] static bool supported();
    [[nodiscard]] static std::optional<std::uint16_t> find(const std::string &guid);
    [[nodiscard]] static bool started(const std::string &guid);

    /// Lets EAL's VMBus bus find the device and probe it. The bus probes every other VMBus device
    /// that is bound to uio_hv_generic, too, as EAL does at its start.
    /// @return failure(ENODEV) if the device has no port afterwards; EAL's log says why
    [[nodiscard]] static Result<void> probe(const std::string &guid);
    /// Stops and closes the port, and closes the device's /dev/uio. Does nothing without a device.
    static void close(const std::string &guid);
};

} // namespace netvsc
