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

bool names(const std::string &path, const struct stat &file) {
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 && found.st_dev == file.st_dev &&
           found.st_ino == file.st_ino;
}

// Takes away what has the name, if that is an area of ours which nobody owns any more.
// @return failure if it must stay; success as well when it has gone meanwhile
Result<void> clear(const std::string &path) {
    const auto refused = [&](int number, const char *why) { return failure(number, path + why); };
    // O_NONBLOCK: a FIFO in its place shall not keep us waiting.
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
                               "); remove it, or take another name")
                                  .c_str());
    if (!try_lock_file(*file))
        return refused(EBUSY, " belongs to a running process; take another name");
    // While we hold the lock nobody who keeps to it makes the name another's.
    if (names(path, status) && ::unlink(path.c_str()) != 0 && errno != ENOENT)
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

    // What shm_open(3) would make, but without a name until it is complete and locked: one that
    // opens it never finds it empty, nor takes it for one that a crash left.
    auto created = FileDescriptor::open(shm_folder, O_TMPFILE | O_RDWR, 0600);
    if (!created)
        return failure(created.error().number,
                       std::string("create shared memory in ") + shm_folder);
    FileDescriptor file = std::move(*created);
    if (options.group && ::fchown(file.get(), static_cast<uid_t>(-1), *options.group) != 0)
        return system_error("give " + options.name + " to group " + std::to_string(*options.group));
    if (::fchmod(file.get(), options.group ? 0660 : 0600) != 0)
        return system_error("fchmod " + options.name);
    // Not ftruncate(): with /dev/shm full, the first write would then end the process (SIGBUS).
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
        // By way of proc: AT_EMPTY_PATH is for privileged processes only (open(2), O_TMPFILE).
        if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, area.path_.c_str(), AT_SYMLINK_FOLLOW) ==
            0)
            return area;
        if (errno != EEXIST)
            return system_error("link " + area.path_);
        if (auto cleared = clear(area.path_); !cleared)
            return std::unexpected(std::move(cleared.error()));
    }
    return failure(EBUSY, area.path_ + " is being taken by others again and again");
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
    if (owner_ == ::getpid() && ::fstat(file_.get(), &status) == 0 && names(path_, status))
        ::unlink(path_.c_str());
    // No sem_destroy(): others may wait on it (sem_destroy(3)); it holds no resources.
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
    // We alone post, so the count can only fall in between.
    if (::sem_getvalue(semaphore(), &count) == 0 && count < max_count)
        ::sem_post(semaphore());
}

} // namespace netvsc
