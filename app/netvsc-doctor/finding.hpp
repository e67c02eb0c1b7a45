// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netvsc::doctor {

enum class Verdict {
    ok,
    note,    ///< for the reader to know
    warning, ///< the driver works, but not as well as it could
    error,   ///< the driver does not work
};

[[nodiscard]] constexpr std::string_view name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "ok";
    case Verdict::note:
        return "note";
    case Verdict::warning:
        return "warning";
    case Verdict::error:
        return "error";
    }
    return "unknown";
}

/// The outcome of one check.
struct Finding {
    Verdict verdict = Verdict::ok;
    std::string subject; ///< "hugepages", "eth1"
    std::string text;
    std::string fix; ///< a command for the shell; empty: there is none, or none is needed

    bool operator==(const Finding &) const = default;
};

using Findings = std::vector<Finding>;

} // namespace netvsc::doctor
