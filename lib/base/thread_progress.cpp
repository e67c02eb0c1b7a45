// SPDX-License-Identifier: BSD-3-Clause
#include "base/thread_progress.hpp"

#include "base/parse_number.hpp"

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

/// A thread's processor time; nullopt if it has ended. The kernel's ABI: the clock of a thread is
/// its inverted number, shifted, with CPUCLOCK_PERTHREAD_MASK (4) and CPUCLOCK_SCHED (2), as in
/// include/linux/posix-timers_types.h of Linux and in pthread_getcpuclockid() of glibc.
std::optional<std::chrono::nanoseconds> processor_time(pid_t thread) {
    const auto clock = static_cast<clockid_t>(~static_cast<std::uint32_t>(thread) << 3 | 6U);
    timespec time{};
    if (::clock_gettime(clock, &time) != 0)
        return std::nullopt;
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Whether a thread sleeps or has ended: its state in proc(5)'s stat is none of R (it runs, or
/// waits for a processor), D (it waits in the kernel, for example for a page), t and T (it is
/// stopped).
bool sleeps(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(file, line);
    // The thread's name, in parentheses, may contain any character.
    const auto name_end = line.rfind(") ");
    return name_end == std::string::npos ||
           std::string_view("RDtT").find(line[name_end + 2]) == std::string_view::npos;
}

} // namespace

bool wait_for_other_threads(std::chrono::microseconds run, std::chrono::milliseconds limit,
                            const std::function<bool(pid_t)> &has_left) {
    const auto until = std::chrono::steady_clock::now() + limit;
    std::map<pid_t, std::chrono::nanoseconds> waited_for;
    std::error_code error;
    for (std::filesystem::directory_iterator task("/proc/self/task", error), end;
         !error && task != end; task.increment(error)) {
        const auto thread = parse_number<pid_t>(task->path().filename().string());
        if (!thread || *thread == ::gettid())
            continue;
        if (const auto time = processor_time(*thread))
            waited_for.emplace(*thread, *time);
    }
    if (error)
        return false;
    while (true) {
        std::erase_if(waited_for, [&](const auto &entry) {
            const auto &[thread, before] = entry;
            const auto time = processor_time(thread);
            return !time || has_left(thread) || *time - before >= run || sleeps(thread);
        });
        if (waited_for.empty())
            return true;
        if (std::chrono::steady_clock::now() >= until)
            return false;
        std::this_thread::sleep_for(1ms);
    }
}

} // namespace netvsc
