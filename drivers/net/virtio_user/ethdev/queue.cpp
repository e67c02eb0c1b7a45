// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/queue.hpp"

#include <sys/eventfd.h>

namespace netvsc::virtio {

// The eventfd does not block. If it is full, the back end has a kick to see anyway.
void Queue::kick() noexcept {
    counters.kicks.add(1);
    ::eventfd_write(options_.kick_fd, 1);
}

void Queue::found_fault() noexcept {
    if (!reported_.exchange(true))
        options_.report_fault();
}

} // namespace netvsc::virtio
