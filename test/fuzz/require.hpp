// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdlib>

namespace netvsc {

/// What must hold whatever the input is. Otherwise the fuzzer has a find.
inline void require(bool held) {
    if (!held)
        std::abort();
}

} // namespace netvsc
