// SPDX-License-Identifier: BSD-3-Clause
#include "base/locked_notes.hpp"

#include "base/file_lock.hpp"

#include <array>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {
namespace {

// O_NONBLOCK: a FIFO in a note's place shall not keep us waiting.
constexpr int open_flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// What a note says; empty if it is none.
Result<std::string> text_in(const FileDescriptor &file) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return system_error("fstat");
    if (!S_ISREG(status.st_mode))
        return std::string{};
    std::array<char, LockedNotes::longest_text> text;
    const auto size = file.read_at(text, 0, "journal entry");
    if (!size)
        return std::unexpected(size.error());
    return std::string(text.data(), *size);
}

} // namespace

Result<void> LockedNotes::check_folder() const {
    struct stat status{};
    if (::lstat(folder_.c_str(), &status) != 0)
        return system_error("stat " + folder_);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return failure(EPERM, folder_ + " is not a folder that only this user may write to");
    return {};
}

Result<void> LockedNotes::note(const std::string &name, const std::string &text) {
    const std::string file_path = path(name);
    if (text.size() > longest_text)
        return failure(ENAMETOOLONG, file_path + " is to say " + text);
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("mkdir " + folder_);
    if (auto checked = check_folder(); !checked)
        return checked;
    const std::lock_guard lock(mutex_);
    // One of ours is not let go of to be written anew: another process would take it.
    auto note = notes_.find(name);
    if (note == notes_.end()) {
        auto file = FileDescriptor::open(file_path, open_flags | O_CREAT, 0600);
        if (!file)
            return std::unexpected(std::move(file.error()));
        if (!lock_whole(*file))
            return failure(EBUSY, file_path + " is held by a running process");
        note = notes_.emplace(name, std::move(*file)).first;
    }
    const int file = note->second.get();
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        auto failed = system_error("write " + file_path);
        notes_.erase(note);
        return failed;
    }
    return {};
}

void LockedNotes::forget(const std::string &name) {
    const std::lock_guard lock(mutex_);
    const auto note = notes_.find(name);
    if (note == notes_.end())
        return;
    // While it is locked nobody else makes it theirs.
    ::unlink(path(name).c_str());
    notes_.erase(note);
}

void LockedNotes::abandon(const std::string &name) {
    const std::lock_guard lock(mutex_);
    notes_.erase(name);
}

std::vector<std::string> LockedNotes::names() const {
    std::vector<std::string> found;
    if (!check_folder())
        return found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error))
        found.push_back(entry->path().filename());
    return found;
}

std::optional<std::string> LockedNotes::claim(const std::string &name) {
    if (!check_folder())
        return std::nullopt;
    const std::lock_guard lock(mutex_);
    auto file = FileDescriptor::open(path(name), open_flags);
    if (!file || !lock_whole(*file))
        return std::nullopt;
    auto text = text_in(*file);
    if (!text)
        return std::nullopt;
    notes_.insert_or_assign(name, std::move(*file));
    return std::move(*text);
}

} // namespace netvsc
