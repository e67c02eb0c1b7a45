// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <fcntl.h>

namespace netvsc {

/// Locks a whole file by an open file description lock (F_OFD_SETLK, fcntl(2)), without waiting.
/// The kernel drops the lock when the last descriptor of this open file is closed, also if the
/// process is killed.
/// @param file  open for writing
/// @return false if another open file holds the lock, of this process too, or on any failure
[[nodiscard]] inline bool try_lock_file(const FileDescriptor &file) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file.get(), F_OFD_SETLK, &whole) == 0;
}

/// Another open file holds a lock on the whole file or a part of it (F_OFD_GETLK, fcntl(2)).
[[nodiscard]] inline bool is_locked(const FileDescriptor &file) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

} // namespace netvsc
