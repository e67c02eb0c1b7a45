// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dpdk/log.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <type_traits>

namespace netvsc {

/// Writes `where`: and what was thrown there to the log, whose lines are cut at 256 bytes. Takes no
/// memory: that may be what is missing. Any thread.
inline void log_thrown(const char *where, const std::exception &error) noexcept {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), "%s: %s", where, error.what());
    log(Message::Level::error, text.data());
}

/// Makes a call for C code, whose frames nothing thrown may pass: what is thrown is logged.
///
/// \param where what the log names: a function of the interface, or what it is about
/// \return what `call` returns, 0 if that is void; `-ENOMEM` if it ran out of memory, `-EIO` if it
///         threw anything else. Any thread.
template <typename Call> int guarded(const char *where, Call call) noexcept {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
            call();
            return 0;
        } else {
            return call();
        }
    } catch (const std::bad_alloc &error) {
        log_thrown(where, error);
        return -ENOMEM;
    } catch (const std::exception &error) {
        log_thrown(where, error);
        return -EIO;
    }
}

} // namespace netvsc
