// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <sys/types.h>

namespace netvsc {

/// Waits until each other thread of this process has left what it was about when this was called:
/// it sleeps, has ended, or has run for @p run of processor time since. A thread that waits for a
/// processor, or that a debugger has stopped, has not.
///
/// For code such as another driver's burst function. It must take less than @p run and must not
/// sleep. A virtual machine charges a thread with the time for which the hypervisor takes its
/// processor away: choose @p run longer than that, and give a sign where there is one. Any thread.
/// Reads /proc/self/task and the threads' clocks, once in a millisecond; the first time suffices if
/// all others sleep.
///
/// @param has_left  a sign that a thread, by its number, has left; called for each that is waited
///                  for
/// @return false if a thread has not done so after @p limit, or if /proc cannot be read
[[nodiscard]] bool wait_for_other_threads(std::chrono::microseconds run,
                                          std::chrono::milliseconds limit,
                                          const std::function<bool(pid_t)> &has_left);

} // namespace netvsc
