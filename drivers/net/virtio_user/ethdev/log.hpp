// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/guarded.hpp"

#include <cstdint>
#include <string_view>

#include <rte_log.h>

namespace netvsc::virtio {

enum class LogLevel : std::uint32_t {
    error = RTE_LOG_ERR,
    warning = RTE_LOG_WARNING,
    notice = RTE_LOG_NOTICE,
    info = RTE_LOG_INFO,
    debug = RTE_LOG_DEBUG,
};

/// Writes one line to DPDK's log, type pmd.net.virtio_user. Any thread.
void log(LogLevel level, std::string_view text);
/// Whether log() writes lines of this level. Any thread.
[[nodiscard]] bool logs(LogLevel level);

/// Makes a call for C code. Logs what it throws. See netvsc::guarded().
template <typename Call> int guarded(const char *where, Call call) noexcept {
    return netvsc::guarded(where, std::move(call),
                           [](const char *text) { log(LogLevel::error, text); });
}

} // namespace netvsc::virtio
