// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace netvsc {

/// Combines one function for each alternative into a visitor for std::visit().
template <typename... Cases> struct Overloaded : Cases... {
    using Cases::operator()...;
};

} // namespace netvsc
