// SPDX-License-Identifier: BSD-3-Clause
#include "ethdev/log.hpp"

#include <utility>

#include <rte_common.h>

namespace netvsc::virtio {
namespace {

int log_type = RTE_LOGTYPE_EAL;

RTE_INIT(register_virtio_user_log_type) {
    const int type = rte_log_register_type_and_pick_level("pmd.net.virtio_user", RTE_LOG_NOTICE);
    if (type >= 0)
        log_type = type;
}

} // namespace

void log(LogLevel level, std::string_view text) {
    rte_log(std::to_underlying(level), static_cast<std::uint32_t>(log_type), "virtio_user: %.*s\n",
            static_cast<int>(text.size()), text.data());
}

bool logs(LogLevel level) {
    return rte_log_can_log(static_cast<std::uint32_t>(log_type), std::to_underlying(level));
}

} // namespace netvsc::virtio
