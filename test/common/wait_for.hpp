// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace netvsc::test {

/// Waits until it holds, looking every millisecond. @return false if it has not within the limit
/// (by default long enough for a busy machine)
[[nodiscard]] inline bool wait_for(const std::function<bool()> &holds,
                                   std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= until)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

} // namespace netvsc::test
