// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>

// Clang's thread-safety analysis (clang.llvm.org/docs/ThreadSafetyAnalysis.html): the compiler
// checks which mutex guards which member. GCC has no such check and ignores the annotations. Builds
// by clang stop at a violation (-Werror=thread-safety).
#ifdef __clang__
#define NETVSC_ANNOTATION(x) __attribute__((x))
#else
#define NETVSC_ANNOTATION(x)
#endif

/// The member may be used only while the mutex is held.
#define NETVSC_GUARDED_BY(mutex) NETVSC_ANNOTATION(guarded_by(mutex))
/// The caller of the function holds the mutex. The function's name ends in `_locked`.
#define NETVSC_REQUIRES(...) NETVSC_ANNOTATION(requires_capability(__VA_ARGS__))
/// The caller of the function does not hold the mutex.
#define NETVSC_EXCLUDES(...) NETVSC_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace netvsc {

/// A std::mutex that clang's thread-safety analysis knows.
class NETVSC_ANNOTATION(capability("mutex")) Mutex {
public:
    void lock() NETVSC_ANNOTATION(acquire_capability()) { mutex_.lock(); }
    void unlock() NETVSC_ANNOTATION(release_capability()) { mutex_.unlock(); }
    bool try_lock() NETVSC_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

private:
    std::mutex mutex_;
};

/// Holds a Mutex until the end of the scope.
class NETVSC_ANNOTATION(scoped_lockable) MutexLock {
public:
    explicit MutexLock(Mutex &mutex) NETVSC_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
        mutex_.lock();
    }
    MutexLock(const MutexLock &) = delete;
    MutexLock &operator=(const MutexLock &) = delete;
    ~MutexLock() NETVSC_ANNOTATION(release_capability()) { mutex_.unlock(); }

    /// For std::condition_variable_any, which releases the mutex while it waits.
    void lock() NETVSC_ANNOTATION(acquire_capability()) { mutex_.lock(); }
    void unlock() NETVSC_ANNOTATION(release_capability()) { mutex_.unlock(); }

private:
    Mutex &mutex_;
};

} // namespace netvsc
