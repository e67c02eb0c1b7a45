// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace netvsc {

/// What a command of the shell's prints.
inline std::string said(const std::string &command) {
    std::string text;
    std::array<char, 512> part;
    FILE *out = ::popen(command.c_str(), "r");
    while (std::fgets(part.data(), part.size(), out) != nullptr)
        text += part.data();
    ::pclose(out);
    return text;
}

} // namespace netvsc
