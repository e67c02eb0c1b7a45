// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <functional>
#include <memory>

struct rte_intr_handle;

namespace netvsc {

/// A descriptor that EAL's interrupt thread watches, and the resource that owns the descriptor.
///
/// Any thread may destroy it, including the interrupt thread in the callback itself. Destruction
/// does not wait: if the callback is running, the resource is released after it returns.
class InterruptSource {
public:
    /// @param fd        watched until it is readable, level-triggered; owned by @p resource
    /// @param resource  kept until EAL no longer watches the descriptor
    /// @param callback  runs in EAL's interrupt thread; must not throw. It may run once more while
    ///                  another thread destroys the source.
    /// @return the error of EAL's function that failed
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
