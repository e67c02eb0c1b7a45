// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"

#include "base/system_call.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace netvsc {
namespace {

Result<std::size_t> transferred(ssize_t size, const char *call, std::string_view what) {
    if (size < 0)
        return system_error(std::string(call) + ' ' + std::string(what));
    return static_cast<std::size_t>(size);
}

} // namespace

Result<FileDescriptor> FileDescriptor::open(const std::string &path, int flags, mode_t mode) {
    return open_at(AT_FDCWD, path, flags, mode);
}

Result<FileDescriptor> FileDescriptor::open_at(int folder, const std::string &path, int flags,
                                               mode_t mode) {
    const int descriptor =
        retry_interrupted([&] { return ::openat(folder, path.c_str(), flags | O_CLOEXEC, mode); });
    if (descriptor < 0)
        return system_error("open " + path);
    return FileDescriptor(descriptor);
}

void FileDescriptor::reset() {
    // Linux frees the descriptor whatever close() returns (close(2)): no retry.
    if (const int descriptor = std::exchange(descriptor_, -1); descriptor >= 0)
        ::close(descriptor);
}

Result<std::size_t> FileDescriptor::read(std::span<char> buffer, std::string_view what) const {
    return transferred(
        retry_interrupted([&] { return ::read(descriptor_, buffer.data(), buffer.size()); }),
        "read", what);
}

Result<std::size_t> FileDescriptor::read_at(std::span<char> buffer, off_t offset,
                                            std::string_view what) const {
    return transferred(retry_interrupted([&] {
                           return ::pread(descriptor_, buffer.data(), buffer.size(), offset);
                       }),
                       "read", what);
}

Result<std::size_t> FileDescriptor::write(std::string_view text, std::string_view what) const {
    return transferred(
        retry_interrupted([&] { return ::write(descriptor_, text.data(), text.size()); }), "write",
        what);
}

Result<Pipe> Pipe::open() {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return system_error("pipe2");
    return Pipe{.reader = FileDescriptor(ends[0]), .writer = FileDescriptor(ends[1])};
}

} // namespace netvsc
