// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/gate.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace netvsc::virtio {

Result<void> Gate::prepare() {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0)
        return system_error("membarrier");
    return {};
}

void Gate::close() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    // After this each other thread either sees closed_, or its busy_ is visible here.
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    // Sleeps: a real-time thread that spins could keep the polling thread from its processor.
    while (busy_.load(std::memory_order_acquire))
        ::usleep(10);
}

} // namespace netvsc::virtio
