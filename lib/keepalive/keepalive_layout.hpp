// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// Where things are in the shared-memory area that DPDK's l2fwd-keepalive made known:
///
///     sem_t core_died;
///     enum rte_keepalive_state core_state[RTE_KEEPALIVE_MAXCORES];
///     uint64_t core_last_seen_times[RTE_KEEPALIVE_MAXCORES];
///
/// RTE_KEEPALIVE_MAXCORES differs between builds of DPDK; the area's size tells it.
class KeepaliveLayout {
public:
    static constexpr std::string_view default_name = "/dpdk_keepalive_shm_name";
    static constexpr unsigned max_lcores = 4096; ///< more than any DPDK is built for

    explicit constexpr KeepaliveLayout(unsigned lcores) : lcores_(lcores) {}
    /// The layout of an area of @p size bytes; nullopt if that is no area's size.
    [[nodiscard]] static std::optional<KeepaliveLayout> of_size(std::size_t size);

    [[nodiscard]] unsigned lcores() const { return lcores_; }
    [[nodiscard]] static std::size_t semaphore_offset() { return 0; }
    [[nodiscard]] static std::size_t states_offset();
    [[nodiscard]] std::size_t times_offset() const;
    [[nodiscard]] std::size_t size() const;

private:
    unsigned lcores_;
};

/// Where Linux has what shm_open(3) opens.
inline constexpr const char *shm_folder = "/dev/shm";

/// The path of a shared-memory name ("/name") in shm_folder.
/// @return failure(EINVAL) for what is no such name
[[nodiscard]] Result<std::string> shm_path(const std::string &name);

} // namespace netvsc
