// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>

namespace netvsc {

/// Delays between retries: each is twice the one before, up to a maximum.
class Backoff {
public:
    constexpr Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max)
        : next_(first), max_(max) {}

    struct Delay {
        std::chrono::milliseconds length{};
        bool grew = true; ///< longer than the one before, or the first: log it
    };
    Delay next() {
        const Delay delay{.length = next_, .grew = !at_max_};
        at_max_ = next_ >= max_;
        next_ = std::min(next_ * 2, max_);
        return delay;
    }

private:
    std::chrono::milliseconds next_;
    std::chrono::milliseconds max_;
    bool at_max_ = false;
};

} // namespace netvsc
