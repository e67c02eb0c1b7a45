// SPDX-License-Identifier: BSD-3-Clause
#include "base/system_call.hpp"

#include <algorithm>
#include <poll.h>

namespace netvsc {

Result<bool> wait_readable(int descriptor, std::chrono::steady_clock::time_point deadline) {
    using namespace std::chrono_literals;
    using std::chrono::steady_clock;
    for (;;) {
        pollfd waited{.fd = descriptor, .events = POLLIN, .revents = 0};
        const int ready = retry_interrupted([&] {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
            // poll(2) takes an int: waits longer than a minute are made of several.
            const auto timeout = std::clamp(left, 0ms, std::chrono::milliseconds(60s));
            return ::poll(&waited, 1, static_cast<int>(timeout.count()));
        });
        if (ready < 0)
            return system_error("poll");
        if (ready > 0)
            return true;
        if (steady_clock::now() >= deadline)
            return false;
    }
}

} // namespace netvsc
