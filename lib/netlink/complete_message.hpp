// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <libmnl/libmnl.h>

namespace netvsc {

/// Checks that a complete netlink message begins at @p message. mnl_nlmsg_ok() alone is not enough:
/// it compares the length as a signed number and accepts 2 GiB and more (seen with libmnl 1.0.4;
/// test: complete_message_test.cpp).
/// @param left  bytes readable from @p message on; may be negative after mnl_nlmsg_next()
[[nodiscard]] inline bool is_complete_message(const nlmsghdr *message, int left) {
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= static_cast<std::uint32_t>(left);
}

} // namespace netvsc
