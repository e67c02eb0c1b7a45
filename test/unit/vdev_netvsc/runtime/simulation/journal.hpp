// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>

namespace netvsc::simulation {

/// A violated invariant.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string &what) {
    if (!holds)
        throw Violation(what);
}

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    /// 0 to @p limit - 1
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <typename Range> auto &of(Range &range) {
        return *std::next(range.begin(), static_cast<std::ptrdiff_t>(below(range.size())));
    }

private:
    std::mt19937_64 engine_;
};

/// The last actions, to explain a failure.
class Journal {
public:
    void add(std::string line) {
        lines_.push_back(std::move(line));
        if (lines_.size() > 120)
            lines_.pop_front();
    }
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const std::string &line : lines_)
            all += "  " + line + "\n";
        return all;
    }

private:
    std::deque<std::string> lines_;
};

} // namespace netvsc::simulation
