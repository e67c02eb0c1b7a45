// SPDX-License-Identifier: BSD-3-Clause
#include "keepalive/keepalive_layout.hpp"

#include "keepalive/lcore_state.hpp"

#include <climits>
#include <cstdint>
#include <semaphore.h>

namespace netvsc {

std::optional<KeepaliveLayout> KeepaliveLayout::of_size(std::size_t size) {
    constexpr std::size_t per_lcore = sizeof(LcoreState) + sizeof(std::uint64_t);
    if (size < sizeof(sem_t) + per_lcore || size > KeepaliveLayout(max_lcores).size())
        return std::nullopt;
    const KeepaliveLayout layout(static_cast<unsigned>((size - sizeof(sem_t)) / per_lcore));
    return layout.size() == size ? std::optional(layout) : std::nullopt;
}

std::size_t KeepaliveLayout::states_offset() { return sizeof(sem_t); }

std::size_t KeepaliveLayout::times_offset() const {
    const std::size_t end = states_offset() + sizeof(LcoreState) * lcores_;
    return (end + alignof(std::uint64_t) - 1) / alignof(std::uint64_t) * alignof(std::uint64_t);
}

std::size_t KeepaliveLayout::size() const {
    return times_offset() + sizeof(std::uint64_t) * lcores_;
}

Result<std::string> shm_path(const std::string &name) {
    const bool valid = name.size() >= 2 && name.size() <= NAME_MAX && name[0] == '/' &&
                       name.find('/', 1) == std::string::npos && name != "/." && name != "/.." &&
                       name.find('\0') == std::string::npos;
    if (!valid)
        return failure(EINVAL, "shared memory '" + name +
                                   "' (expected a name such as /dpdk_keepalive_shm_name)");
    return shm_folder + name;
}

} // namespace netvsc
