// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace netvsc {

void FileDescriptor::reset() {
    // Linux frees the descriptor whatever close() returns (close(2)): no retry.
    if (const int descriptor = std::exchange(descriptor_, -1); descriptor >= 0)
        ::close(descriptor);
}

Result<Pipe> Pipe::open() {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return system_error("pipe2");
    return Pipe{.reader = FileDescriptor(ends[0]), .writer = FileDescriptor(ends[1])};
}

} // namespace netvsc
