// SPDX-License-Identifier: BSD-3-Clause
#include "core/link.hpp"

#include <algorithm>
#include <cstdio>

namespace netvsc {

std::string printable(const std::string &name) {
    std::string text;
    for (const char c : name) {
        if (c >= ' ' && c <= '~') {
            text += c;
        } else {
            char escaped[5];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
            text += escaped;
        }
    }
    return text;
}

bool safe_in_devargs(const std::string &name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-.@+~").find(c) != std::string_view::npos;
    });
}

std::string unsafe_in_devargs(const std::string &name) {
    return "netdevice '" + printable(name) +
           "' not attached: its name would change the meaning of device arguments; expected "
           "letters, digits and _ - . @ + ~ only. It is attached once renamed.";
}

} // namespace netvsc
