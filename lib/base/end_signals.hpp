// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <sys/signalfd.h>

namespace netvsc {

/// SIGINT, SIGTERM and SIGHUP end a wait instead of the program. For a program with one thread:
/// blocks the signals in the thread that creates the object, for good.
class EndSignals {
public:
    EndSignals() {
        sigemptyset(&ends_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP})
            sigaddset(&ends_, number);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
        sigprocmask(SIG_BLOCK, &ends_, nullptr);
    }
    /// @return false if a signal came
    [[nodiscard]] bool wait(std::chrono::milliseconds length) const {
        const timespec limit{.tv_sec = length.count() / 1000,
                             .tv_nsec = length.count() % 1000 * 1'000'000};
        return sigtimedwait(&ends_, nullptr, &limit) < 0;
    }
    /// For poll(2): readable once a signal has come.
    [[nodiscard]] Result<FileDescriptor> descriptor() const {
        FileDescriptor descriptor(signalfd(-1, &ends_, SFD_CLOEXEC));
        if (!descriptor.valid())
            return system_error("signalfd");
        return descriptor;
    }

private:
    sigset_t ends_{};
};

} // namespace netvsc
