// SPDX-License-Identifier: BSD-3-Clause
#include "core/data_path.hpp"

namespace netvsc {

std::string vf_left_by_data_path(std::string_view log_line) {
    constexpr std::string_view text = "Data path switched from VF: ";
    const std::size_t found = log_line.find(text);
    return found == log_line.npos ? std::string{}
                                  : std::string(log_line.substr(found + text.size()));
}

} // namespace netvsc
