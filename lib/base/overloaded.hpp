// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace netvsc {

/// One visitor made of a function for each alternative, for std::visit().
template <typename... Cases> struct Overloaded : Cases... {
    using Cases::operator()...;
};

} // namespace netvsc
