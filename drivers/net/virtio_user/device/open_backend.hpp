// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "backend/backend.hpp"
#include "device/arguments.hpp"

#include <cstdint>
#include <memory>

namespace netvsc::virtio {

/// A back end, and what it means for the device in front of it.
struct OpenBackend {
    std::unique_ptr<Backend> backend;
    bool may_leave = false;     ///< a peer that arrives and leaves: the link has events
    std::uint64_t emulated = 0; ///< features that the device adds
};

/// Makes the back end that the arguments name: vhost-kernel or vhost-vdpa for a character device,
/// vhost-user for anything else.
[[nodiscard]] Result<OpenBackend> open_backend(const Arguments &arguments);

/// The features that the arguments take away.
[[nodiscard]] std::uint64_t excluded_features(const Arguments &arguments);
/// The features that the device itself has by the arguments.
[[nodiscard]] std::uint64_t emulated_features(const Arguments &arguments);

} // namespace netvsc::virtio
