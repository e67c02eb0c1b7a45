// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "keepalive/keepalive_layout.hpp"
#include "keepalive/lcore_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace netvsc {

/// The content of a keepalive area, by lcore.
struct KeepaliveSnapshot {
    std::vector<LcoreState> states; ///< any value is possible, not only the enumerators
    std::vector<std::uint64_t>
        last_seen; ///< time stamp counter of the machine, in cycles; 0: never

    bool operator==(const KeepaliveSnapshot &) const = default;
};

/// The reader's side of a keepalive area in shared memory, of the driver or of DPDK's sample
/// l2fwd-keepalive; move-only. One thread at a time.
///
/// Reads by pread(2) and maps nothing: an area that was truncated is an error, not a SIGBUS. Takes
/// no lock and writes nothing, so it does not disturb the owner or other readers.
class KeepaliveReader {
public:
    struct Options {
        std::string name{KeepaliveLayout::default_name};
        /// The owner of a trusted area, beside root and this process's user.
        std::optional<uid_t> owner;
    };

    /// @return failure(ENOENT) if there is no area; failure(EPERM) if it is a symbolic link or no
    ///         file, belongs to a user that is not trusted, or is writable by all users;
    ///         failure(EBADMSG) if no area has its size; failure(EINVAL) for an invalid name
    [[nodiscard]] static Result<KeepaliveReader> open(const Options &options);

    /// @return failure(EBADMSG) if the area was truncated
    [[nodiscard]] Result<KeepaliveSnapshot> read() const;

    /// The state of the area since open().
    enum class Condition {
        owned,     ///< its owner runs
        unlocked,  ///< no process has locked it since open(): either its writer takes no lock
                   ///< (DPDK's l2fwd-keepalive) and changes the area, or it ended before open()
        abandoned, ///< its owner has ended without removing it
        removed,   ///< the name was removed
        replaced,  ///< another area has the name: the caller must open() it
    };
    [[nodiscard]] Condition condition();

    /// Opens the same area for writing, which sem_wait(3) needs. A process that maps it must expect
    /// SIGBUS.
    [[nodiscard]] Result<FileDescriptor> open_writable() const;

    [[nodiscard]] unsigned lcores() const { return layout_.lcores(); }
    [[nodiscard]] const KeepaliveLayout &layout() const { return layout_; }

private:
    KeepaliveReader(std::string path, KeepaliveLayout layout, FileDescriptor file)
        : path_(std::move(path)), layout_(layout), file_(std::move(file)) {}

    std::string path_;
    KeepaliveLayout layout_;
    FileDescriptor file_;
    bool was_owned_ = false;
};

} // namespace netvsc
