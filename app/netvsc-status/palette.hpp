// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace netvsc::status {

enum class Colour : std::uint8_t { none, good, busy, bad, heading };

/// Colours text for a terminal, or leaves it as it is.
class Palette {
public:
    explicit Palette(bool colours) : colours_(colours) {}

    [[nodiscard]] std::string operator()(Colour colour, const std::string &text) const;

private:
    bool colours_;
};

/// Whether a program may write colours (https://no-color.org).
/// @param terminal   the output is a terminal
/// @param no_colour  the environment variable NO_COLOR; nullptr: not set
/// @param term       the environment variable TERM; nullptr: not set
[[nodiscard]] bool wants_colours(bool terminal, const char *no_colour, const char *term);

} // namespace netvsc::status
