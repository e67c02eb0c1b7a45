// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace netvsc {

/// What this process has to put right before it ends, noted in files that outlast it: one that is
/// killed puts nothing right, so the next one does.
///
/// A note is a file that says what there is to do, and is named by what it is about. Who wrote it
/// has it locked as long as it lives.
///
/// The folder is made when it is needed, with mode 0700. One that others may write to, or that
/// belongs to another user, is not used. Any thread.
class LockedNotes {
public:
    /// Where the driver's notes are: on a file system that does not outlast the machine's run.
    static constexpr const char *default_folder = "/run/vdev_netvsc";
    static constexpr std::size_t longest_text = 255; ///< bytes

    explicit LockedNotes(std::string folder = default_folder) : folder_(std::move(folder)) {}

    /// Writes a note, or writes one of ours anew.
    /// @param name  one that a file can have
    /// @return failure(EBUSY) if another process that lives has noted it, failure(ENAMETOOLONG) if
    ///         the text is too long
    [[nodiscard]] Result<void> note(const std::string &name, const std::string &text);
    /// It has been put right. Nothing if it is no note of ours.
    void forget(const std::string &name);
    /// It could not be put right: the next claim(), of this or another process, takes it.
    void abandon(const std::string &name);
    /// The names of all notes there are, whoever has them.
    [[nodiscard]] std::vector<std::string> names() const;
    /// Makes a note of a process that has ended, or an abandoned one, ours.
    /// @return what it says, empty for what is no file; nullopt if it is somebody's, ours too, or
    ///         cannot be read
    [[nodiscard]] std::optional<std::string> claim(const std::string &name);

private:
    [[nodiscard]] Result<void> check_folder() const;
    [[nodiscard]] std::string path(const std::string &name) const { return folder_ + "/" + name; }

    std::string folder_;
    std::mutex mutex_;
    std::map<std::string, FileDescriptor> notes_; ///< ours: locked
};

} // namespace netvsc
