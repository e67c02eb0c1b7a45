// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/report.hpp"

#include <string>
#include <utility>

namespace netvsc::collectd {

/// One thing that may be in trouble for long: said when it begins or becomes another trouble, not
/// at each read.
class Trouble {
public:
    /// It is in trouble, as @p text says.
    void begin(Level level, std::string text, Report &report) {
        if (text == said_)
            return;
        said_ = text;
        report.messages.push_back({.level = level, .text = std::move(text)});
    }
    /// It is well. @return whether it was not
    bool end() { return !std::exchange(said_, {}).empty(); }

private:
    std::string said_; ///< empty: no trouble
};

} // namespace netvsc::collectd
