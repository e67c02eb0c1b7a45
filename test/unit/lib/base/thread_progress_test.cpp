// SPDX-License-Identifier: BSD-3-Clause
#include "base/thread_progress.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

constexpr auto ever = 60s;

bool no_sign(pid_t /*thread*/) { return false; }

/// A thread that runs all the time.
class Busy {
public:
    Busy() {
        while (number_ == 0)
            std::this_thread::yield();
    }
    [[nodiscard]] pid_t number() const { return number_; }

private:
    std::atomic<pid_t> number_ = 0;
    std::jthread thread_{[this](const std::stop_token &stop) {
        number_ = ::gettid();
        while (!stop.stop_requested())
            continue;
    }};
};

/// Stops a thread as a debugger does, while it lives: from a process of its own.
class StoppedThread {
public:
    explicit StoppedThread(pid_t thread) {
        int said[2], told[2];
        if (::pipe(said) != 0 || ::pipe(told) != 0)
            std::abort();
        debugger_ = ::fork();
        if (debugger_ == 0) {
            ::close(told[1]);
            char byte = 0;
            if (::read(told[0], &byte, 1) != 1 || ::ptrace(PTRACE_SEIZE, thread, 0, 0) != 0 ||
                ::ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0 ||
                ::waitpid(thread, nullptr, __WALL) != thread || ::write(said[1], "!", 1) != 1)
                ::_exit(1);
            [[maybe_unused]] const auto end = ::read(told[0], &byte, 1);
            ::ptrace(PTRACE_DETACH, thread, 0, 0);
            ::_exit(0);
        }
        ::close(said[1]);
        ::close(told[0]);
        told_ = told[1];
        ::prctl(PR_SET_PTRACER, debugger_); // Yama may allow a process's own parent only
        char byte = 0;
        stopped = ::write(told_, "!", 1) == 1 && ::read(said[0], &byte, 1) == 1;
        ::close(said[0]);
    }
    StoppedThread(const StoppedThread &) = delete;
    StoppedThread &operator=(const StoppedThread &) = delete;
    ~StoppedThread() { release(); }

    void release() {
        if (told_ < 0)
            return;
        ::close(told_);
        told_ = -1;
        ::waitpid(debugger_, nullptr, 0);
    }

    bool stopped = false;

private:
    pid_t debugger_ = -1;
    int told_ = -1;
};

TEST(OtherThreads, NoneIsWaitedForIfThereIsNone) {
    EXPECT_TRUE(wait_for_other_threads(1s, 0ms, no_sign));
}

TEST(OtherThreads, SleepingOneIsNotWaitedFor) {
    std::atomic<bool> began = false;
    const std::jthread sleeper([&](const std::stop_token &stop) {
        began = true;
        while (!stop.stop_requested())
            std::this_thread::sleep_for(100ms);
    });
    while (!began)
        std::this_thread::yield();
    // It may need a processor to begin to sleep.
    EXPECT_TRUE(wait_for_other_threads(1h, ever, no_sign));
}

TEST(OtherThreads, BusyOneIsWaitedForUntilItHasRun) {
    const Busy busy;
    EXPECT_FALSE(wait_for_other_threads(1h, 50ms, no_sign));
    EXPECT_TRUE(wait_for_other_threads(20ms, ever, no_sign));
}

TEST(OtherThreads, OneThatGivesASignIsNotWaitedFor) {
    const Busy busy;
    const Busy other;
    EXPECT_TRUE(wait_for_other_threads(1h, ever, [&](pid_t thread) {
        return thread == busy.number() || thread == other.number();
    }));
    EXPECT_FALSE(
        wait_for_other_threads(1h, 50ms, [&](pid_t thread) { return thread == busy.number(); }));
}

TEST(OtherThreads, StoppedOneIsWaitedFor) {
    const Busy busy;
    StoppedThread stopped(busy.number());
    if (!stopped.stopped)
        GTEST_SKIP() << "this system does not allow ptrace(2)";
    EXPECT_FALSE(wait_for_other_threads(1us, 50ms, no_sign));
    stopped.release();
    EXPECT_TRUE(wait_for_other_threads(1us, ever, no_sign));
}

} // namespace
} // namespace netvsc
