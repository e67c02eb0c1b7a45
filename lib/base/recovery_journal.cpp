// SPDX-License-Identifier: BSD-3-Clause
#include "base/recovery_journal.hpp"

#include "base/file_lock.hpp"

#include <array>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {
namespace {

// O_NONBLOCK: open(2) would wait for a peer if somebody put a FIFO in the entry's place.
constexpr int open_flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// The text of an entry; empty for what is no regular file.
Result<std::string> read_entry(const FileDescriptor &file) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return system_error("fstat");
    if (!S_ISREG(status.st_mode))
        return std::string{};
    std::array<char, RecoveryJournal::max_text_size> text;
    const auto size = file.read_at(text, 0, "journal entry");
    if (!size)
        return std::unexpected(size.error());
    return std::string(text.data(), *size);
}

} // namespace

Result<void> RecoveryJournal::check_folder() const {
    struct stat status{};
    if (::lstat(folder_.c_str(), &status) != 0)
        return system_error("stat " + folder_);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return failure(EPERM, folder_ + " is not a folder that only this user may write to");
    return {};
}

Result<void> RecoveryJournal::record(const std::string &name, const std::string &text) {
    const std::string file_path = path(name);
    if (text.size() > max_text_size)
        return failure(ENAMETOOLONG, file_path + ": text of " + std::to_string(text.size()) +
                                         " bytes, at most " + std::to_string(max_text_size));
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("mkdir " + folder_);
    if (auto checked = check_folder(); !checked)
        return checked;
    const MutexLock lock(mutex_);
    // An entry of this process stays locked: another process could claim it in between.
    auto entry = owned_.find(name);
    if (entry == owned_.end()) {
        auto file = FileDescriptor::open(file_path, open_flags | O_CREAT, 0600);
        if (!file)
            return std::unexpected(std::move(file.error()));
        if (!try_lock_file(*file))
            return failure(EBUSY, file_path + " belongs to a running process");
        entry = owned_.emplace(name, std::move(*file)).first;
    }
    const int file = entry->second.get();
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        auto failed = system_error("write " + file_path);
        owned_.erase(entry);
        return failed;
    }
    return {};
}

void RecoveryJournal::erase(const std::string &name) {
    const MutexLock lock(mutex_);
    const auto entry = owned_.find(name);
    if (entry == owned_.end())
        return;
    // Unlinks before it unlocks: nobody else can claim the entry in between.
    ::unlink(path(name).c_str());
    owned_.erase(entry);
}

void RecoveryJournal::release(const std::string &name) {
    const MutexLock lock(mutex_);
    owned_.erase(name);
}

std::vector<std::string> RecoveryJournal::names() const {
    std::vector<std::string> found;
    if (!check_folder())
        return found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error))
        found.push_back(entry->path().filename());
    return found;
}

std::optional<std::string> RecoveryJournal::claim(const std::string &name) {
    if (!check_folder())
        return std::nullopt;
    const MutexLock lock(mutex_);
    auto file = FileDescriptor::open(path(name), open_flags);
    if (!file || !try_lock_file(*file))
        return std::nullopt;
    auto text = read_entry(*file);
    if (!text)
        return std::nullopt;
    owned_.insert_or_assign(name, std::move(*file));
    return std::move(*text);
}

} // namespace netvsc
