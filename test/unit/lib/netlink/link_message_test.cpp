// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_message.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace netvsc {
namespace {

TEST(InterfaceAddress, IsWrittenAsIpWritesIt) {
    EXPECT_EQ(text_of(InterfaceAddress{
                  .ifindex = 2, .family = AF_INET, .prefix_length = 24, .address = {10, 0, 0, 4}}),
              "10.0.0.4/24");
    InterfaceAddress link_local{
        .ifindex = 2, .family = AF_INET6, .prefix_length = 64, .address = {0xfe, 0x80}};
    link_local.address[15] = 1;
    EXPECT_EQ(text_of(link_local), "fe80::1/64");
}

} // namespace
} // namespace netvsc
