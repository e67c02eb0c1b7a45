// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <sys/types.h>
#include <utility>

namespace netvsc {

/// Reports each death of an lcore that is posted at the semaphore of a keepalive area; move-only.
///
/// sem_wait(3) needs the area mapped. A process that maps it dies by SIGBUS when somebody truncates
/// the area. So a child process waits: it writes a byte into a pipe for each death.
class DeathNotifier {
public:
    /// Starts the child.
    /// @param area  opened for writing; the child has its own descriptor from then on
    [[nodiscard]] static Result<DeathNotifier> start(const FileDescriptor &area);

    DeathNotifier(const DeathNotifier &) = delete;
    DeathNotifier &operator=(const DeathNotifier &) = delete;
    DeathNotifier(DeathNotifier &&other) noexcept
        : pipe_(std::move(other.pipe_)), child_(std::exchange(other.child_, -1)) {}
    /// Ends the child that this object had.
    DeathNotifier &operator=(DeathNotifier &&other) noexcept {
        DeathNotifier taken(std::move(other));
        std::swap(pipe_, taken.pipe_);
        std::swap(child_, taken.child_);
        return *this;
    }
    /// Ends the child.
    ~DeathNotifier();

    /// Becomes readable when a death was posted, or when the child has ended.
    [[nodiscard]] int fd() const { return pipe_.get(); }

    enum class Event {
        none,
        death, ///< at least one
        ended, ///< the child has ended: somebody truncated the area, or killed the child
    };
    /// The event since the last call. Does not wait.
    [[nodiscard]] Event read_events() const;

private:
    DeathNotifier(FileDescriptor pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}

    FileDescriptor pipe_;
    pid_t child_ = -1;
};

} // namespace netvsc
