// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace netvsc {

/// What must hold whatever the input is. Otherwise the fuzzer has a find.
inline void require(bool held) {
    if (!held)
        std::abort();
}

/// The bug of a fuzzer's self-test (finds_planted.sh): with NETVSC_PLANTED_BUG in the environment,
/// reads beyond a block of memory where @p reached, which says that the code under test has made
/// of the input what no seed makes it make. Otherwise nothing.
[[gnu::noinline]] __attribute__((no_sanitize("undefined"))) inline void planted_bug(bool reached) {
    static const bool planted = std::getenv("NETVSC_PLANTED_BUG") != nullptr;
    if (planted && reached) {
        std::fputs("the planted bug is reached\n", stderr);
        const std::vector<char> block(1);
        [[maybe_unused]] const volatile char beyond = block.data()[block.size()];
    }
}

} // namespace netvsc
