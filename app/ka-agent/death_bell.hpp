// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <sys/types.h>
#include <utility>

namespace netvsc {

/// Rings when an lcore dies: waits on the semaphore of a keepalive area; move-only.
///
/// sem_wait(3) needs the area mapped, and whoever has that mapped dies by SIGBUS when the area is
/// truncated. So a child process waits, which writes a byte into a pipe for each death, and whose
/// end is seen as the pipe's.
class DeathBell {
public:
    /// @param area  opened for writing; the child has its own from then on
    [[nodiscard]] static Result<DeathBell> hang(const FileDescriptor &area);

    DeathBell(const DeathBell &) = delete;
    DeathBell &operator=(const DeathBell &) = delete;
    DeathBell(DeathBell &&other) noexcept
        : pipe_(std::move(other.pipe_)), child_(std::exchange(other.child_, -1)) {}
    DeathBell &operator=(DeathBell &&other) noexcept {
        std::swap(pipe_, other.pipe_);
        std::swap(child_, other.child_);
        return *this;
    }
    ~DeathBell();

    /// Becomes readable when the bell rings, or is broken.
    [[nodiscard]] int fd() const { return pipe_.get(); }

    enum class Sound { none, rang, broken };
    /// What has been since the last call.
    [[nodiscard]] Sound listen() const;

private:
    DeathBell(FileDescriptor pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}

    FileDescriptor pipe_;
    pid_t child_ = -1;
};

} // namespace netvsc
