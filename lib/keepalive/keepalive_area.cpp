// SPDX-License-Identifier: BSD-3-Clause
#include "keepalive/keepalive_area.hpp"

#include "base/file_lock.hpp"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {
namespace {

constexpr int attempts = 8;

bool refers_to(const std::string &path, const struct stat &file) {
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 && found.st_dev == file.st_dev &&
           found.st_ino == file.st_ino;
}

// Removes an area of this user that no process owns any more.
// @return failure if the name must stay; success if it was removed meanwhile
Result<void> remove_stale_area(const std::string &path) {
    const auto refused = [&](int number, const char *why) { return failure(number, path + why); };
    // O_NONBLOCK: open(2) would wait for a peer if somebody put a FIFO in its place.
    const auto file = FileDescriptor::open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!file) {
        const int number = file.error().number;
        if (number == ENOENT)
            return {};
        if (number == ELOOP)
            return refused(EPERM, " is a symbolic link; remove it");
        return std::unexpected(file.error());
    }
    struct stat status{};
    if (::fstat(file->get(), &status) != 0)
        return system_error("fstat " + path);
    if (!S_ISREG(status.st_mode))
        return refused(EPERM, " is not a shared-memory area; remove it");
    if (status.st_uid != ::geteuid())
        return refused(EPERM, (" belongs to another user (" + std::to_string(status.st_uid) +
                               "); remove it, or choose another name")
                                  .c_str());
    if (!try_lock_file(*file))
        return refused(EBUSY, " belongs to a running process; choose another name");
    // No process that respects the lock can replace the name while this one holds the lock.
    if (refers_to(path, status) && ::unlink(path.c_str()) != 0 && errno != ENOENT)
        return system_error("unlink " + path);
    return {};
}

} // namespace

Result<KeepaliveArea> KeepaliveArea::create(const Options &options) {
    auto path = shm_path(options.name);
    if (!path)
        return std::unexpected(std::move(path.error()));
    if (options.lcores == 0 || options.lcores > KeepaliveLayout::max_lcores)
        return failure(EINVAL, "shared memory for " + std::to_string(options.lcores) + " lcores");
    const KeepaliveLayout layout(options.lcores);

    // Like shm_open(3), but without a name until the area is complete and locked: a reader never
    // finds it empty, and never mistakes it for one that a crashed process left.
    auto created = FileDescriptor::open(shm_folder, O_TMPFILE | O_RDWR, 0600);
    if (!created)
        return failure(created.error().number,
                       std::string("create shared memory in ") + shm_folder);
    FileDescriptor file = std::move(*created);
    if (options.group && ::fchown(file.get(), static_cast<uid_t>(-1), *options.group) != 0)
        return system_error("change the group of " + options.name + " to " +
                            std::to_string(*options.group));
    if (::fchmod(file.get(), options.group ? 0660 : 0600) != 0)
        return system_error("fchmod " + options.name);
    // Not ftruncate(): if /dev/shm is full, the first write would raise SIGBUS.
    if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(layout.size())))
        return failure(error,
                       "reserve " + std::to_string(layout.size()) + " bytes in " + shm_folder);
    void *memory =
        ::mmap(nullptr, layout.size(), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED)
        return system_error("mmap " + options.name);
    const std::string unnamed = "/proc/self/fd/" + std::to_string(file.get());
    KeepaliveArea area(std::move(*path), layout, std::move(file), static_cast<std::byte *>(memory));
    if (::sem_init(area.semaphore(), 1, 0) != 0)
        return system_error("sem_init");
    if (!try_lock_file(area.file_))
        return system_error("lock " + options.name);

    for (int attempt = 0; attempt < attempts; ++attempt) {
        // Through /proc: AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH (open(2), O_TMPFILE).
        if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, area.path_.c_str(), AT_SYMLINK_FOLLOW) ==
            0)
            return area;
        if (errno != EEXIST)
            return system_error("link " + area.path_);
        if (auto removed = remove_stale_area(area.path_); !removed)
            return std::unexpected(std::move(removed.error()));
    }
    return failure(EBUSY, area.path_ + " was replaced by other processes at each of " +
                              std::to_string(attempts) + " attempts");
}

KeepaliveArea::KeepaliveArea(KeepaliveArea &&other) noexcept
    : path_(std::move(other.path_)), layout_(other.layout_), file_(std::move(other.file_)),
      owner_(other.owner_), memory_(std::exchange(other.memory_, nullptr)) {}

KeepaliveArea &KeepaliveArea::operator=(KeepaliveArea &&other) noexcept {
    KeepaliveArea taken(std::move(other));
    std::swap(path_, taken.path_);
    std::swap(layout_, taken.layout_);
    std::swap(file_, taken.file_);
    std::swap(owner_, taken.owner_);
    std::swap(memory_, taken.memory_);
    return *this;
}

KeepaliveArea::~KeepaliveArea() {
    if (memory_ == nullptr)
        return;
    struct stat status{};
    if (owner_ == ::getpid() && ::fstat(file_.get(), &status) == 0 && refers_to(path_, status))
        ::unlink(path_.c_str());
    // No sem_destroy(): other processes may wait on the semaphore, and it holds no resources.
    ::munmap(memory_, layout_.size());
}

sem_t *KeepaliveArea::semaphore() const {
    return reinterpret_cast<sem_t *>(memory_ + KeepaliveLayout::semaphore_offset());
}

bool KeepaliveArea::intact() const {
    struct stat status{};
    return ::fstat(file_.get(), &status) == 0 && status.st_nlink > 0 &&
           status.st_size == static_cast<off_t>(layout_.size());
}

void KeepaliveArea::set(unsigned lcore, LcoreState state, std::uint64_t last_seen) {
    if (lcore >= layout_.lcores())
        return;
    auto *states = reinterpret_cast<std::uint32_t *>(memory_ + KeepaliveLayout::states_offset());
    auto *times = reinterpret_cast<std::uint64_t *>(memory_ + layout_.times_offset());
    std::atomic_ref(times[lcore]).store(last_seen, std::memory_order_relaxed);
    std::atomic_ref(states[lcore]).store(std::to_underlying(state), std::memory_order_release);
}

void KeepaliveArea::post_death() {
    int count = 0;
    // Only this process posts, so the count can only fall in between.
    if (::sem_getvalue(semaphore(), &count) == 0 && count < max_count)
        ::sem_post(semaphore());
}

} // namespace netvsc
