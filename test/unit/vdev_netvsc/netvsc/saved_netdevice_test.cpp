// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/interface_addresses.hpp"
#include "netvsc/saved_netdevice.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

SavedNetdevice example() {
    return {.name = "eth1",
            .mtu = 9000,
            .up = true,
            .mac = *MacAddress::parse("00:15:5d:00:00:01"),
            .addresses = {*parse_interface_address("10.0.0.4/24"),
                          *parse_interface_address("2001:db8::1/64")}};
}

TEST(SavedNetdevice, TextHoldsAllSettings) {
    EXPECT_EQ(example().to_string(), "eth1 mtu=9000 up=1 mac=00:15:5d:00:00:01 "
                                     "address=10.0.0.4/24 address=2001:db8::1/64");
    EXPECT_EQ(SavedNetdevice::parse(example().to_string()), example());
    SavedNetdevice down = example();
    down.up = false;
    down.addresses.clear();
    EXPECT_EQ(SavedNetdevice::parse(down.to_string()), down);
}

TEST(SavedNetdevice, OtherTextIsRefused) {
    for (const char *text :
         {"", "eth1", "eth1 mtu=1500 up=1", "eth1 up=1 mac=00:15:5d:00:00:01",
          "eth1 mtu=0 up=1 mac=00:15:5d:00:00:01", "eth1 mtu=1500 up=2 mac=00:15:5d:00:00:01",
          "eth1 mtu=1500 up=1 mac=00:15:5d", "eth1 mtu=1500 up=1 mac=00:15:5d:00:00:01 colour=red",
          "eth1 mtu=1500 up=1 mac=00:15:5d:00:00:01 address=10.0.0.4/33",
          "eth1 mtu=1500 up=1 mac=00:15:5d:00:00:01 address",
          "a/b mtu=1500 up=1 mac=00:15:5d:00:00:01",
          "sixteen-letters- mtu=1500 up=1 mac=00:15:5d:00:00:01"})
        EXPECT_EQ(SavedNetdevice::parse(text), std::nullopt) << text;
}

TEST(InterfaceAddress, TextIsParsed) {
    for (const char *text : {"10.0.0.4/24", "0.0.0.0/0", "fe80::1/64", "2001:db8::1/128"}) {
        const auto address = parse_interface_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(text_of(*address), text);
    }
    for (const char *text : {"", "10.0.0.4", "10.0.0/24", "10.0.0.4/33", "::1/129", "::1/x", "/24"})
        EXPECT_EQ(parse_interface_address(text), std::nullopt) << text;
}

} // namespace
} // namespace netvsc
