// SPDX-License-Identifier: BSD-3-Clause
#include "bound_functions.hpp"

#include "file_lock.hpp"
#include "pci_driver.hpp"

#include <array>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {
namespace {

// O_NONBLOCK: a FIFO in a note's place shall not keep us waiting.
constexpr int open_flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr std::size_t longest_driver = 64;

// What a note says; empty if it is none.
Result<std::string> driver_in(const FileDescriptor &file) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return system_error("fstat");
    if (!S_ISREG(status.st_mode))
        return std::string{};
    std::array<char, longest_driver> text;
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size < 0)
        return system_error("pread");
    return std::string(text.data(), static_cast<std::size_t>(size));
}

} // namespace

BoundFunctions::BoundFunctions(std::string folder, std::string sysfs)
    : folder_(std::move(folder)), sysfs_(std::move(sysfs)) {}

Result<void> BoundFunctions::check_folder() const {
    struct stat status{};
    if (::lstat(folder_.c_str(), &status) != 0)
        return system_error("stat " + folder_);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return failure(EPERM, folder_ + " is not a folder that only this user may write to");
    return {};
}

std::string BoundFunctions::path(const PciAddress &address) const {
    return folder_ + "/" + address.to_string();
}

Result<bool> BoundFunctions::is_left_by(const PciAddress &address,
                                        const std::string &driver) const {
    const PciDriver function(address, sysfs_);
    if (driver.empty() || !function.exists())
        return false;
    const auto bound_to = function.driver();
    const auto override_text = function.driver_override();
    if (!bound_to || !override_text)
        return std::unexpected(!bound_to ? bound_to.error() : override_text.error());
    if (!*bound_to)
        return !*override_text || *override_text == driver;
    return *bound_to == driver && *override_text == driver;
}

Result<void> BoundFunctions::note(const PciAddress &address, const std::string &driver) {
    if (driver.size() >= longest_driver)
        return failure(ENAMETOOLONG, "kernel driver " + driver);
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("mkdir " + folder_);
    if (auto checked = check_folder(); !checked)
        return checked;
    const std::string file_path = path(address);
    const std::lock_guard lock(mutex_);
    notes_.erase(address);
    FileDescriptor file(::open(file_path.c_str(), open_flags | O_CREAT, 0600));
    if (!file.valid())
        return system_error("open " + file_path);
    if (!lock_whole(file))
        return failure(EBUSY, file_path + " is held by a running process");
    if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), driver.data(), driver.size(), 0) !=
                                               static_cast<ssize_t>(driver.size()))
        return system_error("write " + file_path);
    notes_.emplace(address, std::move(file));
    return {};
}

void BoundFunctions::forget(const PciAddress &address) {
    const std::lock_guard lock(mutex_);
    const auto note = notes_.find(address);
    if (note == notes_.end())
        return;
    // While it is locked nobody else makes it theirs.
    ::unlink(path(address).c_str());
    notes_.erase(note);
}

void BoundFunctions::abandon(const PciAddress &address) {
    const std::lock_guard lock(mutex_);
    notes_.erase(address);
}

std::vector<PciAddress> BoundFunctions::abandoned() {
    if (!check_folder())
        return {};
    std::vector<PciAddress> found;
    const std::lock_guard lock(mutex_);
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        const auto address = PciAddress::parse(entry->path().filename().string());
        if (!address)
            continue;
        FileDescriptor file(::open(path(*address).c_str(), open_flags));
        if (!file.valid() || !lock_whole(file))
            continue;
        const auto driver = driver_in(file);
        const auto left = driver ? is_left_by(*address, *driver) : std::unexpected(driver.error());
        if (!left)
            continue; // it cannot be told now
        if (*left) {
            notes_.insert_or_assign(*address, std::move(file));
            found.push_back(*address);
        } else {
            ::unlink(path(*address).c_str());
        }
    }
    return found;
}

} // namespace netvsc
