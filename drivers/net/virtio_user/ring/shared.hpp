// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <bit>

namespace netvsc::virtio {

// Virtio 1.2 stores every field in little-endian order. The ring core stores words as they are.
static_assert(std::endian::native == std::endian::little);

// Access to memory that another process reads and writes at the same time. Each access is one
// load or store of the processor, so a value is read once and checked as it was read.

template <typename Word> [[nodiscard]] Word load(Word &shared) {
    return std::atomic_ref<Word>(shared).load(std::memory_order_relaxed);
}

/// What the device wrote before it stored the loaded value is visible after this.
template <typename Word> [[nodiscard]] Word load_acquire(Word &shared) {
    return std::atomic_ref<Word>(shared).load(std::memory_order_acquire);
}

template <typename Word> void store(Word &shared, Word value) {
    std::atomic_ref<Word>(shared).store(value, std::memory_order_relaxed);
}

/// The device sees all earlier stores before it sees this one.
template <typename Word> void store_release(Word &shared, Word value) {
    std::atomic_ref<Word>(shared).store(value, std::memory_order_release);
}

/// Orders earlier stores before later loads: between publishing and the check whether the device
/// waits for a kick, and between a request for calls and the check for used chains.
inline void full_fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

} // namespace netvsc::virtio
