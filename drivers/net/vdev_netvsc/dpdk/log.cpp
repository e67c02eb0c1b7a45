// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/log.hpp"

#include <rte_common.h>
#include <rte_log.h>

namespace netvsc {
namespace {

int log_type = RTE_LOGTYPE_EAL;

RTE_INIT(register_log_type) {
    const int type = rte_log_register_type_and_pick_level("pmd.net.vdev_netvsc", RTE_LOG_NOTICE);
    if (type >= 0)
        log_type = type;
}

constexpr std::uint32_t dpdk_level(Message::Level level) {
    switch (level) {
    case Message::Level::error:
        return RTE_LOG_ERR;
    case Message::Level::warning:
        return RTE_LOG_WARNING;
    case Message::Level::notice:
        return RTE_LOG_NOTICE;
    case Message::Level::info:
        return RTE_LOG_INFO;
    case Message::Level::debug:
        return RTE_LOG_DEBUG;
    }
    return RTE_LOG_ERR;
}

} // namespace

void log(Message::Level level, std::string_view text) {
    rte_log(dpdk_level(level), static_cast<std::uint32_t>(log_type), "vdev_netvsc: %.*s\n",
            static_cast<int>(text.size()), text.data());
}

} // namespace netvsc
