// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/fallback.hpp"
#include "netvsc-doctor/machine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace netvsc::doctor {

/// What a fallback needs and the machine lacks.
struct FallbackNeeds {
    std::vector<std::string> modules;      ///< kernel modules
    std::vector<std::string> device_files; ///< that this user cannot read and write
    std::vector<std::string> capabilities; ///< of this process
    std::string pmd;                       ///< the file of its PMD
    bool xdp_sockets = false;              ///< the kernel's AF_XDP sockets

    [[nodiscard]] bool empty() const {
        return modules.empty() && device_files.empty() && capabilities.empty() && pmd.empty() &&
               !xdp_sockets;
    }
    /// In words; empty if nothing is missing.
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] FallbackNeeds missing_for(Fallback fallback, const Machine &machine);

/// tap, the default, if it works here; else the first of fallbacks_by_preference that does.
[[nodiscard]] std::optional<Fallback> working_fallback(const Machine &machine);

} // namespace netvsc::doctor
