// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <utility>

namespace netvsc {

/// Owns one file descriptor; move-only. All descriptors made here are close-on-exec.
class FileDescriptor {
public:
    FileDescriptor() = default;
    /// Takes ownership of @p descriptor (-1: none).
    explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
    FileDescriptor(const FileDescriptor &) = delete;
    FileDescriptor &operator=(const FileDescriptor &) = delete;
    FileDescriptor(FileDescriptor &&other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileDescriptor &operator=(FileDescriptor &&other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~FileDescriptor() { reset(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool valid() const { return descriptor_ >= 0; }
    /// Closes the descriptor, if there is one.
    void reset();

private:
    int descriptor_ = -1;
};

/// A pipe(7), non-blocking at both ends.
struct Pipe {
    FileDescriptor reader;
    FileDescriptor writer;

    [[nodiscard]] static Result<Pipe> open();
};

} // namespace netvsc
