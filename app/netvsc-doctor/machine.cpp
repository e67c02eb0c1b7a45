// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/machine.hpp"

#include <algorithm>

namespace netvsc::doctor {

bool NetvscFacts::only_link_local() const {
    return !addresses.empty() && std::ranges::all_of(addresses, is_link_local);
}

std::string NetvscFacts::use() const {
    if (default_route)
        return "a default route leads out by it";
    if (!addresses.empty() && !only_link_local())
        return "it has the address " + text_of(addresses.front());
    return uppers.empty() ? "" : "it is below " + uppers.front();
}

} // namespace netvsc::doctor
