// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/guarded.hpp"
#include "dpdk/log.hpp"

#include <utility>

namespace netvsc {

/// guarded() of lib/base, which reports to the driver's log.
template <typename Call> int guarded(const char *where, Call call) noexcept {
    return guarded(where, std::move(call),
                   [](const char *text) { log(Message::Level::error, text); });
}

} // namespace netvsc
