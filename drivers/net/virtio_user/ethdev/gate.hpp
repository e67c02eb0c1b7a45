// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <atomic>

namespace netvsc::virtio {

/// Keeps the data path out of a queue while the control path changes it.
///
/// The thread that polls the queue passes the gate once for each burst. That costs it two stores
/// and a load, and no barrier: close() makes every thread of the process execute one instead
/// (membarrier(2)).
class Gate {
public:
    /// Registers the process for membarrier(2). Call it once before the first close().
    [[nodiscard]] static Result<void> prepare();

    /// The polling thread, at the start of a burst.
    /// @return false if the gate is closed: the queue must not be used, and leave() not be called
    [[nodiscard]] bool enter() noexcept {
        busy_.store(true, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (closed_.load(std::memory_order_acquire)) [[unlikely]] {
            leave();
            return false;
        }
        return true;
    }
    /// The polling thread, at the end of a burst.
    void leave() noexcept { busy_.store(false, std::memory_order_release); }

    /// The control path: returns when no burst is in progress. No burst begins until open().
    void close() noexcept;
    void open() noexcept { closed_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> busy_ = false;
    std::atomic<bool> closed_ = true;
};

} // namespace netvsc::virtio
