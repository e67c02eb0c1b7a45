// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace netvsc {

/// A failed operation: an errno value, and the operation with its operand.
struct Error {
    int number = 0;      ///< positive errno value
    std::string context; ///< the operation and its operand, such as "open /sys/class/net/eth1"

    /// "<context>: <description of number>"
    [[nodiscard]] std::string message() const {
        return context + ": " + std::generic_category().message(number);
    }
};

template <typename T> using Result = std::expected<T, Error>;

/// An error with the current errno, for a function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> system_error(std::string context) {
    return std::unexpected(Error{.number = errno, .context = std::move(context)});
}

/// An error with the given errno value, for a function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> failure(int number, std::string context) {
    return std::unexpected(Error{.number = number, .context = std::move(context)});
}

} // namespace netvsc
