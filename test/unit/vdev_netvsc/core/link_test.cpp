// SPDX-License-Identifier: BSD-3-Clause
#include "core/link.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

TEST(Printable, KeepsPrintableAsciiAndShowsOtherBytesAsNumbers) {
    EXPECT_EQ(printable("eth1"), "eth1");
    EXPECT_EQ(printable(" ~"), " ~");
    EXPECT_EQ(printable("a\nb\x7f"), "a\\x0ab\\x7f");
    EXPECT_EQ(printable("\xc3\xa9"), "\\xc3\\xa9");
    EXPECT_EQ(printable(""), "");
}

TEST(SafeInDevargs, HoldsForExactlyTheCharactersNothingSplitsAt) {
    const std::string safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@+~";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        EXPECT_EQ(safe_in_devargs(std::string("eth") + c), safe.find(c) != std::string::npos)
            << "byte " << byte;
    }
    EXPECT_FALSE(safe_in_devargs(""));
}

TEST(Link, IsAVfOnlyOnAPciFunctionWithEthernet) {
    Link link;
    link.message.type = ARPHRD_ETHER;
    EXPECT_FALSE(link.may_be_vf());
    link.facts.pci = PciAddress{};
    EXPECT_TRUE(link.may_be_vf());
    link.message.type = ARPHRD_INFINIBAND;
    EXPECT_FALSE(link.may_be_vf());
    link.message.type = ARPHRD_ETHER;
    link.facts.netvsc = true;
    EXPECT_FALSE(link.may_be_vf());
    EXPECT_TRUE(link.is_netvsc());
    link.message.type = ARPHRD_INFINIBAND;
    EXPECT_FALSE(link.is_netvsc());
}

TEST(Link, HasItsCurrentAndItsPermanentMac) {
    constexpr MacAddress current{{2, 0, 0, 0, 0, 1}};
    constexpr MacAddress permanent{{2, 0, 0, 0, 0, 2}};
    Link link;
    EXPECT_FALSE(link.has_mac(current));
    link.message.mac = current;
    link.message.permanent_mac = permanent;
    EXPECT_TRUE(link.has_mac(current));
    EXPECT_TRUE(link.has_mac(permanent));
    EXPECT_FALSE(link.has_mac(MacAddress{}));
}

} // namespace
} // namespace netvsc
