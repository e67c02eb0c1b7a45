// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-doctor/finding.hpp"
#include "netvsc-doctor/machine.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace netvsc::doctor {

/// What the tool has found.
struct Report {
    Machine machine;
    Findings findings;
    std::vector<std::string> command; ///< see testpmd_command()

    [[nodiscard]] bool has_error() const;
};

/// Makes all checks.
/// @param machine  its netdevices are chosen (see choose())
[[nodiscard]] Report examine(Machine machine);

/// For a terminal. Contains no byte that a terminal would obey.
[[nodiscard]] std::string text_of(const Report &report);

/// {"hyperv", "netvscs": [...], "findings": [{"verdict", "subject", "text", "fix"}, ...],
///  "command": [...]}
[[nodiscard]] nlohmann::json json_of(const Report &report);

} // namespace netvsc::doctor
