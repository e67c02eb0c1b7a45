// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <rte_log.h>

namespace testvf {

/// `pmd.net.testvf`
extern int log_type;

} // namespace testvf

#define TESTVF_LOG(level, format, ...)                                                             \
    rte_log(RTE_LOG_##level, static_cast<std::uint32_t>(::testvf::log_type),                       \
            "net_testvf: " format "\n" __VA_OPT__(, ) __VA_ARGS__)
