// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

// Whether a driver may register itself with the DPDK release that loads it.
namespace netvsc {

/// A DPDK release: its year and month.
struct DpdkRelease {
    int year;
    int month;
    friend auto operator<=>(const DpdkRelease &, const DpdkRelease &) = default;
};

/// The newest release that the tests have run with.
constexpr DpdkRelease newest_tested_dpdk{.year = 26, .month = 7};

/// Whether the driver fits the DPDK release that loads it.
struct DpdkFit {
    bool usable;
    std::optional<std::string> problem; ///< for the log: an error if not usable, else a warning
};

/// Compares the release that the driver was built for with the one that loads it. EAL's bus
/// structures are not part of DPDK's ABI, so they may differ between releases with one ABI version.
/// Only the release that the driver was built for is usable, with all its minor releases.
[[nodiscard]] DpdkFit check_dpdk(DpdkRelease built_for, DpdkRelease running);

/// check_dpdk() for this process.
[[nodiscard]] DpdkFit check_this_dpdk();

} // namespace netvsc
