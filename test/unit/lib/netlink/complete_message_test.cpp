// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/complete_message.hpp"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

bool complete(std::uint32_t claimed, int left) {
    const std::array<nlmsghdr, 2> room{nlmsghdr{
        .nlmsg_len = claimed, .nlmsg_type = 0, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0}};
    return is_complete_message(room.data(), left);
}

TEST(IsCompleteMessage, RefusesAMessageLongerThanTheBuffer) {
    EXPECT_TRUE(complete(16, 16));
    EXPECT_TRUE(complete(20, 32));
    EXPECT_FALSE(complete(33, 32));
    EXPECT_FALSE(complete(15, 32));
    EXPECT_FALSE(complete(16, 15));
    EXPECT_FALSE(complete(16, -4));
}

// The fuzzer rtnetlink found these: libmnl reads their lengths as negative numbers.
TEST(IsCompleteMessage, RefusesTwoGibibytesAndMore) {
    EXPECT_FALSE(complete(0x8000'0000U, 32));
    EXPECT_FALSE(complete(0xfe80'0802U, 32));
    EXPECT_FALSE(complete(0xffff'ffffU, 32));
}

} // namespace
} // namespace netvsc
