// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <type_traits>

namespace netvsc {

/// Makes a call for C code. An exception must not pass C's frames, so this reports it instead.
///
/// @param where   named in the report: a function of the interface, or the subject
/// @param report  receives the report, at most 255 bytes, as a C string. Must not throw. It is
///                written without allocating, because memory may be what is missing
/// @return what @p call returns, 0 if that is void; `-ENOMEM` if it ran out of memory, `-EIO` if it
///         threw anything else. Any thread.
template <typename Call, typename Report>
int guarded(const char *where, Call call, Report report) noexcept {
    const auto describe = [&](const std::exception &error) {
        std::array<char, 256> text{};
        std::snprintf(text.data(), text.size(), "%s: %s", where, error.what());
        report(text.data());
    };
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
            call();
            return 0;
        } else {
            return call();
        }
    } catch (const std::bad_alloc &error) {
        describe(error);
        return -ENOMEM;
    } catch (const std::exception &error) {
        describe(error);
        return -EIO;
    }
}

} // namespace netvsc
