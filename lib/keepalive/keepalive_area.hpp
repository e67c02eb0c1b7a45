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

/// The writing end of a keepalive area in shared memory; move-only.
///
/// Its name appears with the area behind it complete. As long as its owner lives it holds an open
/// file description lock on the area (fcntl(2), F_OFD_SETLK), which the kernel takes back however
/// the owner ends: by this others tell a live area from one left by a crash, without touching it.
class KeepaliveArea {
public:
    struct Options {
        std::string name{KeepaliveLayout::default_name};
        unsigned lcores = 0;        ///< RTE_KEEPALIVE_MAXCORES
        std::optional<gid_t> group; ///< may read it, and wait on the semaphore, too (mode 0660)
    };

    /// Makes an area with all lcores UNUSED. One that a crashed process of the same user has left
    /// under the name is replaced; its memory is not touched, so those who map it see no change.
    /// @return failure(EBUSY) if a live process has an area of the name, failure(EPERM) if the
    ///         name belongs to another user or is not an area's (a symbolic link, a folder)
    [[nodiscard]] static Result<KeepaliveArea> create(const Options &options);

    KeepaliveArea(const KeepaliveArea &) = delete;
    KeepaliveArea &operator=(const KeepaliveArea &) = delete;
    KeepaliveArea(KeepaliveArea &&other) noexcept;
    KeepaliveArea &operator=(KeepaliveArea &&other) noexcept;
    /// Takes the name away, unless another area has it by now, or this is a child of the process
    /// that made it.
    ~KeepaliveArea();

    /// Nobody has truncated it or taken its name away. Whoever may write to it can: touching it
    /// then is SIGBUS, and no reader finds it. To be asked before it is written to after a while.
    [[nodiscard]] bool intact() const;

    /// Any thread; readers see whole values. Does nothing for an lcore beyond Options::lcores.
    /// @param last_seen  in cycles of the time stamp counter, as DPDK's rte_keepalive has it
    void set(unsigned lcore, LcoreState state, std::uint64_t last_seen);

    /// Wakes one who waits for deaths. While nobody waits the semaphore's count stays at
    /// max_count or less, so that a reader that comes late is not kept busy by old deaths.
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
