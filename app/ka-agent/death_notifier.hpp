// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <sys/types.h>
#include <utility>

namespace netvsc {

/// Reports that an lcore died: waits on the semaphore of a keepalive area; move-only.
///
/// sem_wait(3) needs the area mapped, and whoever has that mapped dies by SIGBUS when the area is
/// truncated. So a child process waits, which writes a byte into a pipe for each death, and whose
/// end is seen as the pipe's.
class DeathNotifier {
public:
    /// @param area  opened for writing; the child has its own from then on
    [[nodiscard]] static Result<DeathNotifier> start(const FileDescriptor &area);

    DeathNotifier(const DeathNotifier &) = delete;
    DeathNotifier &operator=(const DeathNotifier &) = delete;
    DeathNotifier(DeathNotifier &&other) noexcept
        : pipe_(std::move(other.pipe_)), child_(std::exchange(other.child_, -1)) {}
    DeathNotifier &operator=(DeathNotifier &&other) noexcept {
        std::swap(pipe_, other.pipe_);
        std::swap(child_, other.child_);
        return *this;
    }
    ~DeathNotifier();

    /// Becomes readable when a death was posted, or when the child has ended.
    [[nodiscard]] int fd() const { return pipe_.get(); }

    enum class Event { none, death, ended };
    /// The events since the last call.
    [[nodiscard]] Event read_events() const;

private:
    DeathNotifier(FileDescriptor pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}

    FileDescriptor pipe_;
    pid_t child_ = -1;
};

} // namespace netvsc
