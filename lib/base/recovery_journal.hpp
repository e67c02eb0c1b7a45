// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/mutex.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace netvsc {

/// A journal of changes to the system that this process must undo before it ends. It is kept in
/// files, so that another process can undo the changes of one that was killed.
///
/// An entry is one file. Its name says what was changed, its text says how. The process that owns
/// an entry holds a lock on the file (see try_lock_file()), which the kernel drops when the process
/// ends.
///
/// The first record() creates the folder with mode 0700. The journal refuses a folder that belongs
/// to another user or that others may write to. Any thread.
class RecoveryJournal {
public:
    /// The driver's folder. Its file system (tmpfs) is empty after a reboot, as are the changes.
    static constexpr const char *default_folder = "/run/vdev_netvsc";
    static constexpr std::size_t max_text_size = 4095; ///< bytes

    explicit RecoveryJournal(std::string folder = default_folder) : folder_(std::move(folder)) {}

    /// Writes an entry, or overwrites one that this process owns.
    /// @param name  a valid file name
    /// @return failure(EBUSY) if another running process owns the entry, failure(ENAMETOOLONG) if
    ///         @p text is longer than max_text_size, failure(EPERM) if the folder is refused, else
    ///         the error of the system call that failed
    [[nodiscard]] Result<void> record(const std::string &name, const std::string &text);
    /// Removes an entry after its change was undone. Does nothing if this process does not own it.
    void erase(const std::string &name);
    /// Gives up the ownership of an entry whose change could not be undone: the next claim(), of
    /// this or another process, gets it.
    void release(const std::string &name);
    /// @return the names of all entries, whoever owns them; empty if the folder is refused
    [[nodiscard]] std::vector<std::string> names() const;
    /// Takes the ownership of an entry whose owner has ended or released it.
    /// @return its text, empty for what is no regular file; nullopt if a process, this one
    ///         included, owns the entry, or if it cannot be read
    [[nodiscard]] std::optional<std::string> claim(const std::string &name);

private:
    [[nodiscard]] Result<void> check_folder() const;
    [[nodiscard]] std::string path(const std::string &name) const { return folder_ + "/" + name; }

    const std::string folder_;
    Mutex mutex_;
    std::map<std::string, FileDescriptor> owned_ NETVSC_GUARDED_BY(mutex_); ///< locked files
};

} // namespace netvsc
