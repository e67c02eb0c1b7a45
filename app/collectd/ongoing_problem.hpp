// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/report.hpp"

#include <string>
#include <utility>

namespace netvsc::collectd {

/// A condition that may last for many reads. Logs it when it begins or its text changes, not at
/// each read.
class OngoingProblem {
public:
    /// The problem exists, as @p text describes it.
    void begin(Level level, std::string text, Report &report) {
        if (text == logged_)
            return;
        logged_ = text;
        report.messages.push_back({.level = level, .text = std::move(text)});
    }
    /// @return whether there was a problem until now
    bool end() { return !std::exchange(logged_, {}).empty(); }

private:
    std::string logged_; ///< empty: no problem
};

} // namespace netvsc::collectd
