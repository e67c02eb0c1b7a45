// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <vector>

namespace netvsc::test {

/// How a function says that it failed.
enum class Failure {
    minus_one,      ///< -1 (MAP_FAILED as well), the number in errno
    null,           ///< a null pointer, the number in errno and rte_errno
    negative_errno, ///< the number, negated
    errno_itself,   ///< the number
};

/// A function that can fail, and the errors that fit it. The first is the one of the short form.
struct Call {
    std::string_view name;
    Failure failure;
    std::vector<int> errors;
};

/// The calls into which faults are injected.
[[nodiscard]] const std::vector<Call> &failing_calls();

/// Whether a function which the driver imports needs no fault: it cannot fail, only looks
/// something up, is of the C++ run-time, or is called while the driver is loaded only.
[[nodiscard]] bool needs_no_fault(std::string_view name);

} // namespace netvsc::test
