// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <string>

namespace netvsc::virtio::vhost_user {

/// Connects a stream socket to the one at a path. Does not wait.
[[nodiscard]] Result<FileDescriptor> connect_to(const std::string &path);

/// Makes a listening stream socket at a path. Replaces a socket file that nobody listens on.
/// @return failure(EADDRINUSE) if somebody listens there, or if the file is no socket
[[nodiscard]] Result<FileDescriptor> listen_at(const std::string &path);

} // namespace netvsc::virtio::vhost_user
