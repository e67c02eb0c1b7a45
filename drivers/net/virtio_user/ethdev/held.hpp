// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"

#include <rte_eal_memconfig.h>

namespace netvsc::virtio {

/// Holds EAL's memory lock and a mutex, which are taken in this order. While it lives its thread
/// must not allocate from EAL's heap, which takes the memory lock itself.
class NETVSC_ANNOTATION(scoped_lockable) Held {
public:
    explicit Held(Mutex &mutex) NETVSC_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
        rte_mcfg_mem_read_lock();
        mutex_.lock();
    }
    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    ~Held() NETVSC_ANNOTATION(release_capability()) {
        mutex_.unlock();
        rte_mcfg_mem_read_unlock();
    }

private:
    Mutex &mutex_;
};

} // namespace netvsc::virtio
