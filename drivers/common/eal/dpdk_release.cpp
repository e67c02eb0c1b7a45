// SPDX-License-Identifier: BSD-3-Clause
#include "common/eal/dpdk_release.hpp"

#include <rte_version.h>

namespace netvsc {
namespace {

std::string text(DpdkRelease release) {
    const std::string month = std::to_string(release.month);
    return std::to_string(release.year) + (release.month < 10 ? ".0" : ".") + month;
}

} // namespace

DpdkFit check_dpdk(DpdkRelease built_for, DpdkRelease running) {
    if (built_for != running)
        return {.usable = false,
                .problem = "built for DPDK " + text(built_for) + ", loaded by DPDK " +
                           text(running) +
                           ", whose internal structures may differ: the driver does not register. "
                           "Build it for the installed DPDK"};
    if (running > newest_tested_dpdk)
        return {.usable = true,
                .problem = "DPDK " + text(running) + " is newer than " + text(newest_tested_dpdk) +
                           ", the newest release that the driver was tested with"};
    return {.usable = true, .problem = {}};
}

DpdkFit check_this_dpdk() {
    return check_dpdk({.year = RTE_VER_YEAR, .month = RTE_VER_MONTH},
                      {.year = static_cast<int>(rte_version_year()),
                       .month = static_cast<int>(rte_version_month())});
}

} // namespace netvsc
