// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/palette.hpp"

#include <string_view>

namespace netvsc::status {
namespace {

// The eight colours that each terminal has (ECMA-48, SGR).
std::string_view sequence_of(Colour colour) {
    switch (colour) {
    case Colour::none:
        return "";
    case Colour::good:
        return "\x1b[32m";
    case Colour::busy:
        return "\x1b[33m";
    case Colour::bad:
        return "\x1b[31m";
    case Colour::heading:
        return "\x1b[1m";
    }
    return "";
}

} // namespace

std::string Palette::operator()(Colour colour, const std::string &text) const {
    const std::string_view sequence = sequence_of(colour);
    if (!colours_ || sequence.empty() || text.empty())
        return text;
    return std::string(sequence) + text + "\x1b[0m";
}

bool wants_colours(bool terminal, const char *no_colour, const char *term) {
    const bool refused = no_colour != nullptr && *no_colour != '\0';
    return terminal && !refused && term != nullptr && *term != '\0' &&
           std::string_view(term) != "dumb";
}

} // namespace netvsc::status
