// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/pci_address.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

TEST(PciAddress, IsReadAndWrittenAsLinuxNamesIt) {
    const PciAddress address{.domain = 0x0001, .bus = 0xaf, .device = 0x1f, .function = 7};
    EXPECT_EQ(PciAddress::parse("0001:af:1f.7"), address);
    EXPECT_EQ(PciAddress::parse("0001:AF:1F.7"), address);
    EXPECT_EQ(address.to_string(), "0001:af:1f.7");
}

// Hyper-V makes domains of its own, up to 32 bits.
TEST(PciAddress, MayHaveALongDomain) {
    const PciAddress address{.domain = 0xfedcba98, .bus = 0, .device = 2, .function = 0};
    EXPECT_EQ(PciAddress::parse("fedcba98:00:02.0"), address);
    EXPECT_EQ(address.to_string(), "fedcba98:00:02.0");
    EXPECT_EQ((PciAddress{.domain = 0x10000}).to_string(), "10000:00:00.0");
}

class BadPciAddress : public testing::TestWithParam<std::string_view> {};

TEST_P(BadPciAddress, IsNotRead) { EXPECT_EQ(PciAddress::parse(GetParam()), std::nullopt); }

using namespace std::string_view_literals;
INSTANTIATE_TEST_SUITE_P(PciAddress, BadPciAddress,
                         testing::Values(""sv, "03:00.0"sv, "000:03:00.0"sv, "123456789:03:00.0"sv,
                                         "0000:3:00.0"sv, "0000:003:00.0"sv, "0000:03:0.0"sv,
                                         "0000:03:000.0"sv, "0000:03:20.0"sv, "0000:03:00.8"sv,
                                         "0000:03:00.00"sv, "0000:03:00."sv, "0000:03:00"sv,
                                         "0000:03:00:0"sv, "0000.03.00.0"sv, "0000:03:00.0 "sv,
                                         " 0000:03:00.0"sv, "0000:03:00.0\n"sv, "0000:-3:00.0"sv,
                                         "0000:0x:00.0"sv, "g000:03:00.0"sv, "virtio2"sv,
                                         "0000:03:00.0,mac=00:15:5d:00:00:01"sv));

} // namespace
} // namespace netvsc
