// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace netvsc {

/// Owns one file descriptor and its system calls; move-only. Each call is repeated after EINTR, and
/// its error names the call. One thread at a time.
class FileDescriptor {
public:
    FileDescriptor() = default;
    /// Takes ownership of @p descriptor (-1: none).
    explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
    /// open(2), with O_CLOEXEC added to @p flags.
    /// @param mode  of a file that O_CREAT or O_TMPFILE creates
    [[nodiscard]] static Result<FileDescriptor> open(const std::string &path, int flags,
                                                     mode_t mode = 0);
    /// The same below an open folder (openat(2)).
    /// @param folder  its descriptor, or AT_FDCWD
    [[nodiscard]] static Result<FileDescriptor> open_at(int folder, const std::string &path,
                                                        int flags, mode_t mode = 0);
    FileDescriptor(const FileDescriptor &) = delete;
    FileDescriptor &operator=(const FileDescriptor &) = delete;
    FileDescriptor(FileDescriptor &&other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)) {}
    /// Closes the descriptor held before.
    FileDescriptor &operator=(FileDescriptor &&other) noexcept {
        FileDescriptor taken(std::move(other));
        std::swap(descriptor_, taken.descriptor_);
        return *this;
    }
    ~FileDescriptor() { reset(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool valid() const { return descriptor_ >= 0; }
    /// Closes the descriptor, if there is one.
    void reset();

    /// read(2): up to the size of @p buffer.
    /// @param what  the file's name, for the error
    /// @return the number of bytes read; 0 at end-of-file
    [[nodiscard]] Result<std::size_t> read(std::span<char> buffer, std::string_view what) const;
    /// pread(2): the same from @p offset bytes on.
    [[nodiscard]] Result<std::size_t> read_at(std::span<char> buffer, off_t offset,
                                              std::string_view what) const;
    /// write(2), in one call.
    /// @return the number of bytes written, which may be less than @p text has
    [[nodiscard]] Result<std::size_t> write(std::string_view text, std::string_view what) const;

private:
    int descriptor_ = -1;
};

/// A pipe(7), non-blocking and close-on-exec at both ends.
struct Pipe {
    FileDescriptor reader;
    FileDescriptor writer;

    [[nodiscard]] static Result<Pipe> open();
};

} // namespace netvsc
