// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <fcntl.h>

namespace netvsc {

/// Locks a whole file for as long as it is open here, by an open file description lock (fcntl(2)):
/// the end of the process, however it comes, lets go of it. Does not wait.
/// @param file  open for writing
/// @return false if another has it, in this process too, or on any failure
[[nodiscard]] inline bool lock_whole(const FileDescriptor &file) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file.get(), F_OFD_SETLK, &whole) == 0;
}

} // namespace netvsc
