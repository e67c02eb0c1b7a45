// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// The layout of the shared-memory area, as DPDK's sample l2fwd-keepalive has it:
///
///     sem_t core_died;
///     enum rte_keepalive_state core_state[RTE_KEEPALIVE_MAXCORES];
///     uint64_t core_last_seen_times[RTE_KEEPALIVE_MAXCORES];
///
/// RTE_KEEPALIVE_MAXCORES differs between builds of DPDK. A reader derives it from the area's size.
class KeepaliveLayout {
public:
    static constexpr std::string_view default_name = "/dpdk_keepalive_shm_name";
    static constexpr unsigned max_lcores = 4096; ///< above RTE_KEEPALIVE_MAXCORES of any DPDK build

    explicit constexpr KeepaliveLayout(unsigned lcores) : lcores_(lcores) {}
    /// The layout of an area of @p size bytes; nullopt if no area has this size.
    [[nodiscard]] static std::optional<KeepaliveLayout> of_size(std::size_t size);

    [[nodiscard]] unsigned lcores() const { return lcores_; }
    [[nodiscard]] static std::size_t semaphore_offset() { return 0; }
    [[nodiscard]] static std::size_t states_offset();
    [[nodiscard]] std::size_t times_offset() const;
    [[nodiscard]] std::size_t size() const;

private:
    unsigned lcores_;
};

/// The folder of shm_open(3)'s names on Linux.
inline constexpr const char *shm_folder = "/dev/shm";

/// The path of a shared-memory name ("/name", shm_open(3)) in shm_folder.
/// @return failure(EINVAL) for an invalid name
[[nodiscard]] Result<std::string> shm_path(const std::string &name);

} // namespace netvsc
