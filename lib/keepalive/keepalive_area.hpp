// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "keepalive/keepalive_layout.hpp"
#include "keepalive/lcore_state.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <semaphore.h>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace netvsc {

/// The writer's side of a keepalive area in shared memory; move-only.
///
/// The name appears only after the area is complete. The owner holds a lock on the area (see
/// try_lock_file()) until it ends. So readers can distinguish a live area from one that a crashed
/// process left, without changing it.
class KeepaliveArea {
public:
    struct Options {
        std::string name{KeepaliveLayout::default_name};
        unsigned lcores = 0;        ///< RTE_KEEPALIVE_MAXCORES; 1 to KeepaliveLayout::max_lcores
        std::optional<gid_t> group; ///< may read the area and wait on its semaphore (mode 0660)
    };

    /// Creates an area with all lcores UNUSED. Replaces an area of the same name that a crashed
    /// process of the same user left; processes that map the old area see no change of it.
    /// @return failure(EINVAL) for an invalid name or number of lcores, failure(EBUSY) if a running
    ///         process owns an area of this name, failure(EPERM) if the name belongs to another
    ///         user or is not a file (a symbolic link, a folder), else the error of a system call
    [[nodiscard]] static Result<KeepaliveArea> create(const Options &options);

    KeepaliveArea(const KeepaliveArea &) = delete;
    KeepaliveArea &operator=(const KeepaliveArea &) = delete;
    KeepaliveArea(KeepaliveArea &&other) noexcept;
    KeepaliveArea &operator=(KeepaliveArea &&other) noexcept;
    /// Removes the name, unless another area has it now, or this process is a child (fork(2)) of
    /// the one that created the area.
    ~KeepaliveArea();

    /// Checks that nobody has truncated the area or removed its name. Each process that may write
    /// to the area can do so; a write to truncated memory raises SIGBUS. Call this before set() and
    /// post_death() after a pause.
    [[nodiscard]] bool intact() const;

    /// Publishes the state of an lcore. Any thread; readers never see a half-written value.
    /// @param lcore      ignored if it is not below Options::lcores
    /// @param last_seen  in cycles of the time stamp counter, as in DPDK's rte_keepalive
    void set(unsigned lcore, LcoreState state, std::uint64_t last_seen);

    /// Wakes one process that waits for a death. The semaphore's count does not exceed max_count
    /// while nobody waits, so a late reader is not woken for each old death. One thread at a time.
    void post_death();

    static constexpr int max_count = 2;

private:
    KeepaliveArea(std::string path, KeepaliveLayout layout, FileDescriptor file, std::byte *memory)
        : path_(std::move(path)), layout_(layout), file_(std::move(file)), memory_(memory) {}

    [[nodiscard]] sem_t *semaphore() const;

    std::string path_;
    KeepaliveLayout layout_;
    FileDescriptor file_; ///< holds the lock
    pid_t owner_ = ::getpid();
    std::byte *memory_ = nullptr; ///< nullptr: moved from
};

} // namespace netvsc
