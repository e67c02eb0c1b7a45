// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/mac_address.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

constexpr MacAddress sample{{0x00, 0x15, 0x5d, 0x0a, 0xbc, 0xff}};

TEST(MacAddress, IsReadInEitherCase) {
    EXPECT_EQ(MacAddress::parse("00:15:5d:0a:bc:ff"), sample);
    EXPECT_EQ(MacAddress::parse("00:15:5D:0A:BC:FF"), sample);
}

TEST(MacAddress, MayHaveOneDigitInAByte) {
    EXPECT_EQ(MacAddress::parse("0:15:5d:a:bc:ff"), sample);
}

TEST(MacAddress, IsWrittenInLowerCaseWithAllDigits) {
    EXPECT_EQ(sample.to_string(), "00:15:5d:0a:bc:ff");
}

TEST(MacAddress, ZeroIsOnlyAllZero) {
    EXPECT_TRUE(MacAddress{}.is_zero());
    EXPECT_FALSE((MacAddress{{0, 0, 0, 0, 0, 1}}).is_zero());
}

TEST(MacAddress, HashDiffersIfOneByteDiffers) {
    const std::hash<MacAddress> hash;
    for (std::size_t i = 0; i < sample.bytes.size(); ++i) {
        MacAddress other = sample;
        other.bytes[i] ^= 1;
        EXPECT_NE(hash(other), hash(sample)) << "byte " << i;
    }
}

class BadMacAddress : public testing::TestWithParam<std::string_view> {};

TEST_P(BadMacAddress, IsNotRead) { EXPECT_EQ(MacAddress::parse(GetParam()), std::nullopt); }

using namespace std::string_view_literals;
INSTANTIATE_TEST_SUITE_P(
    MacAddress, BadMacAddress,
    testing::Values(""sv, ":"sv, ":::::"sv, "00:15:5d:0a:bc"sv, "00:15:5d:0a:bc:"sv,
                    ":15:5d:0a:bc:ff"sv, "00:15:5d:0a:bc:ff:"sv, "00:15:5d:0a:bc:ff:00"sv,
                    "00:15::0a:bc:ff"sv, "000:15:5d:0a:bc:ff"sv, "00:15:5d:0a:bc:fff"sv,
                    "00-15-5d-0a-bc-ff"sv, "00155d0abcff"sv, "0015.5d0a.bcff"sv,
                    "00:15:5d:0a:bc:fg"sv, "00:15:5d:0a:bc:-1"sv, "00:15:5d:0a:bc:0x"sv,
                    " 00:15:5d:0a:bc:ff"sv, "00:15:5d:0a:bc:ff "sv, "00:15:5d:0a:bc:ff\n"sv,
                    "00:15:5d:0a:bc:f\0"sv));

} // namespace
} // namespace netvsc
