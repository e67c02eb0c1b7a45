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

/// Logs an exception as "<where>: <what>", cut at 255 bytes. Allocates no memory, because a lack of
/// memory may be the cause. Any thread.
inline void log_thrown(const char *where, const std::exception &error) noexcept {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), "%s: %s", where, error.what());
    log(Message::Level::error, text.data());
}

/// Calls @p call on behalf of C code: logs an exception and does not let it pass. Any thread.
///
/// @param where  for the log: the function of the interface, or the subject
/// @return what @p call returns, 0 if that is void; -ENOMEM if it ran out of memory, -EIO if it
///         threw another exception
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
