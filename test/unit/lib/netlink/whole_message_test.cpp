// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/whole_message.hpp"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

bool whole(std::uint32_t claimed, int left) {
    const std::array<nlmsghdr, 2> room{nlmsghdr{
        .nlmsg_len = claimed, .nlmsg_type = 0, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0}};
    return whole_message(room.data(), left);
}

TEST(WholeMessage, IsNoLongerThanWhatIsThere) {
    EXPECT_TRUE(whole(16, 16));
    EXPECT_TRUE(whole(20, 32));
    EXPECT_FALSE(whole(33, 32));
    EXPECT_FALSE(whole(15, 32));
    EXPECT_FALSE(whole(16, 15));
    EXPECT_FALSE(whole(16, -4));
}

// Found by the fuzzer rtnetlink: libmnl takes these for negative, and so for short enough.
TEST(WholeMessage, IsNotOneOfTwoGibibytesAndMore) {
    EXPECT_FALSE(whole(0x8000'0000U, 32));
    EXPECT_FALSE(whole(0xfe80'0802U, 32));
    EXPECT_FALSE(whole(0xffff'ffffU, 32));
}

} // namespace
} // namespace netvsc
