// SPDX-License-Identifier: BSD-3-Clause
#include "keepalive/keepalive_reader.hpp"

#include "base/file_lock.hpp"

#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {
namespace {

bool is_trusted(uid_t user, const std::optional<uid_t> &named) {
    return user == 0 || user == ::geteuid() || (named && user == *named);
}

} // namespace

Result<KeepaliveReader> KeepaliveReader::open(const Options &options) {
    auto path = shm_path(options.name);
    if (!path)
        return std::unexpected(std::move(path.error()));
    const auto refused = [&](int number, const std::string &why) {
        return failure(number, "shared memory " + options.name + ' ' + why);
    };
    // As shm_open(3), with O_NONBLOCK: open(2) would wait for a peer if somebody put a FIFO there.
    auto file = FileDescriptor::open(*path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!file) {
        const int number = file.error().number;
        if (number == ELOOP)
            return refused(EPERM, "is a symbolic link");
        return failure(number, "open shared memory " + options.name);
    }
    struct stat status{};
    if (::fstat(file->get(), &status) != 0)
        return system_error("fstat " + *path);
    if (!S_ISREG(status.st_mode))
        return refused(EPERM, "is not a file");
    if (!is_trusted(status.st_uid, options.owner))
        return refused(EPERM,
                       "belongs to user " + std::to_string(status.st_uid) + ", who is not trusted");
    if ((status.st_mode & S_IWOTH) != 0)
        return refused(EPERM, "is writable by all users");
    const auto layout = status.st_size < 0
                            ? std::nullopt
                            : KeepaliveLayout::of_size(static_cast<std::size_t>(status.st_size));
    if (!layout)
        return refused(EBADMSG, "has " + std::to_string(status.st_size) +
                                    " bytes, and no keepalive area has this size");
    KeepaliveReader reader(std::move(*path), *layout, std::move(*file));
    reader.was_owned_ = is_locked(reader.file_);
    return reader;
}

Result<KeepaliveSnapshot> KeepaliveReader::read() const {
    const std::size_t states_size = sizeof(LcoreState) * layout_.lcores();
    std::vector<char> bytes(layout_.size());
    const auto size = file_.read_at(bytes, 0, path_);
    if (!size)
        return std::unexpected(size.error());
    if (*size != bytes.size())
        return failure(EBADMSG, path_ + " was truncated");
    KeepaliveSnapshot snapshot;
    snapshot.states.resize(layout_.lcores());
    snapshot.last_seen.resize(layout_.lcores());
    std::memcpy(snapshot.states.data(), &bytes[KeepaliveLayout::states_offset()], states_size);
    std::memcpy(snapshot.last_seen.data(), &bytes[layout_.times_offset()],
                sizeof(std::uint64_t) * layout_.lcores());
    return snapshot;
}

Result<FileDescriptor> KeepaliveReader::open_writable() const {
    // Through /proc: another area may have the name now.
    const std::string opened = "/proc/self/fd/" + std::to_string(file_.get());
    auto file = FileDescriptor::open(opened, O_RDWR | O_NOCTTY);
    if (!file)
        file.error().context = "open " + path_ + " for writing";
    return file;
}

KeepaliveReader::Condition KeepaliveReader::condition() {
    struct stat ours{};
    struct stat named{};
    if (::lstat(path_.c_str(), &named) != 0)
        return Condition::removed;
    if (::fstat(file_.get(), &ours) != 0 || ours.st_dev != named.st_dev ||
        ours.st_ino != named.st_ino)
        return Condition::replaced;
    if (is_locked(file_)) {
        was_owned_ = true;
        return Condition::owned;
    }
    return was_owned_ ? Condition::abandoned : Condition::unlocked;
}

} // namespace netvsc
