// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cerrno>
#include <chrono>

namespace netvsc {

/// Runs a system call again for as long as a signal interrupts it (EINTR, signal(7)).
/// @param call  returns -1 and sets errno on failure. Not for close(2) and the connect(2) of a TCP
///              socket: these continue after EINTR.
/// @return what the last run of @p call returned; errno belongs to that run
template <typename Call> auto retry_interrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result != -1 || errno != EINTR)
            return result;
    }
}

/// Waits until @p descriptor can be read, or has an error or end-of-file to report (poll(2)).
/// @return false if @p deadline came first; a deadline in the past polls once
[[nodiscard]] Result<bool> wait_readable(int descriptor,
                                         std::chrono::steady_clock::time_point deadline);

} // namespace netvsc
