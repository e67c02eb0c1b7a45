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

/// What a keepalive area says, lcore by lcore.
struct KeepaliveSnapshot {
    std::vector<LcoreState> states;       ///< may hold any value, not only the enumerators
    std::vector<std::uint64_t> last_seen; ///< time stamp counter of the machine; 0: never

    bool operator==(const KeepaliveSnapshot &) const = default;
};

/// The reading end of a keepalive area in shared memory, ours or one of DPDK's l2fwd-keepalive;
/// move-only.
///
/// Reads by pread(2) and maps nothing: an area that is truncated meanwhile is an error, not a
/// SIGBUS. Takes no lock and writes nothing, so other readers and the owner are not disturbed.
class KeepaliveReader {
public:
    struct Options {
        std::string name{KeepaliveLayout::default_name};
        /// Whose area is trusted, beside one of root and one of our own.
        std::optional<uid_t> owner;
    };

    /// @return failure(ENOENT) if there is none; failure(EPERM) if it is a symbolic link or no
    ///         file, belongs to another user or may be written by anybody; failure(EBADMSG) if its
    ///         size is not that of an area
    [[nodiscard]] static Result<KeepaliveReader> open(const Options &options);

    /// @return failure(EBADMSG) if the area has been truncated
    [[nodiscard]] Result<KeepaliveSnapshot> read() const;

    /// What has become of the area since open().
    enum class Condition {
        owned,    ///< its owner lives
        unlocked, ///< none has locked it since open(): its writer takes no lock (DPDK's
                  ///< l2fwd-keepalive), or ended before open(); whether it changes tells them apart
        abandoned, ///< its owner has ended without taking it away
        removed,   ///< the name is gone
        replaced,  ///< the name is another area's: open() anew
    };
    [[nodiscard]] Condition condition();

    /// The same area, opened for writing: what waiting on its semaphore needs. Whoever maps it
    /// must be ready for SIGBUS.
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
