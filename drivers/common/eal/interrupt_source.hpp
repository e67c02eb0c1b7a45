// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <functional>
#include <memory>

struct rte_intr_handle;

namespace netvsc {

/// A descriptor watched by EAL's interrupt thread, with what it belongs to.
///
/// Ends from any thread, the interrupt thread and its own callback included, without waiting:
/// if the callback is running, what it uses is let go of when it has returned.
class InterruptSource {
public:
    /// @param fd        watched for being readable, level-triggered; belongs to @p resource
    /// @param resource  kept until the descriptor is certainly no longer watched
    /// @param callback  called in EAL's interrupt thread; must not throw. It may be called once
    ///                  more while the source is being destroyed by another thread.
    [[nodiscard]] static Result<InterruptSource> watch(int fd, std::shared_ptr<void> resource,
                                                       std::function<void()> callback);

    InterruptSource() = default;
    InterruptSource(const InterruptSource &) = delete;
    InterruptSource &operator=(const InterruptSource &) = delete;
    InterruptSource(InterruptSource &&other) noexcept = default;
    InterruptSource &operator=(InterruptSource &&other) noexcept = default;
    ~InterruptSource() = default;

    /// Stops watching.
    void reset() { registration_.reset(); }

private:
    struct Registration;
    struct Unregister {
        void operator()(Registration *registration) const;
    };
    std::unique_ptr<Registration, Unregister> registration_;
};

} // namespace netvsc
