// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/leftovers.hpp"

#include "base/file_lock.hpp"
#include "base/parse_number.hpp"
#include "base/recovery_journal.hpp"
#include "keepalive/keepalive_layout.hpp"

#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <sys/file.h>

namespace netvsc::doctor {
namespace {

namespace fs = std::filesystem;

Result<FileDescriptor> open_file(const Files &files, const fs::path &file) {
    return FileDescriptor::open(files.path(file.string()), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
}

void read_changes(const Files &files, Machine &machine) {
    const fs::path folder = RecoveryJournal::default_folder;
    for (const std::string &name : files.names(folder.string())) {
        const auto entry = open_file(files, folder / name);
        if (entry && !is_locked(*entry))
            machine.leftovers.push_back(name);
    }
}

// A process of EAL holds a lock on each of its files (flock(2)). EAL tries to lock them in the same
// way at its start, and removes those that nobody has locked (clear_hugedir() in
// lib/eal/linux/eal_hugepage_info.c).
bool in_use(const FileDescriptor &file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) != 0; }

// EAL's names: "<file prefix>map_<number>".
std::string_view prefix_of(std::string_view name) {
    constexpr std::string_view word = "map_";
    const auto at = name.rfind(word);
    if (at == std::string_view::npos || !parse_number<unsigned>(name.substr(at + word.size())))
        return {};
    return name.substr(0, at);
}

void read_hugepage_files(const Files &files, Machine &machine) {
    for (const std::string &line : files.lines("/proc/mounts")) {
        std::istringstream words(line);
        std::string device;
        std::string folder;
        std::string type;
        words >> device >> folder >> type;
        if (type != "hugetlbfs")
            continue;
        for (const std::string &name : files.names(folder)) {
            const std::string_view prefix = prefix_of(name);
            if (prefix.empty())
                continue;
            const fs::path path = fs::path(folder) / name;
            const auto file = open_file(files, path);
            if (!file || in_use(*file))
                continue;
            std::error_code error;
            const auto size = fs::file_size(files.path(path.string()), error);
            auto &leftover = machine.hugepage_files[folder + "/" + std::string(prefix) + "map_"];
            ++leftover.count;
            leftover.bytes += error ? 0 : size;
        }
    }
}

void read_areas(const Files &files, Machine &machine) {
    // The driver's name for an area; an application can have chosen another one.
    const std::string_view common = KeepaliveLayout::default_name.substr(1);
    for (const std::string &name : files.names(shm_folder)) {
        if (!name.starts_with(common))
            continue;
        const auto area = open_file(files, fs::path(shm_folder) / name);
        if (area && !is_locked(*area))
            machine.abandoned_areas.push_back("/" + name);
    }
}

} // namespace

void read_leftovers(const Files &files, Machine &machine) {
    read_changes(files, machine);
    read_hugepage_files(files, machine);
    read_areas(files, machine);
}

} // namespace netvsc::doctor
