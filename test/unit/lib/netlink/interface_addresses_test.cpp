// SPDX-License-Identifier: BSD-3-Clause
#include "common/namespace_test.hpp"
#include "netlink/interface_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

namespace netvsc {
namespace {

class InterfaceAddressesTest : public NamespaceTest {
protected:
    InterfaceAddressesTest()
        : NamespaceTest("ip link add nv0 type veth peer name peer && "
                        "ip addr add 192.0.2.9/24 dev peer") {}

    [[nodiscard]] static int ifindex(const char *name) {
        return static_cast<int>(::if_nametoindex(name));
    }
};

TEST_F(InterfaceAddressesTest, AddedOnesAreOnTheirNetdeviceAlone) {
    std::vector<InterfaceAddress> wanted;
    for (const char *text : {"192.0.2.7/24", "2001:db8::7/64"}) {
        auto address = parse_interface_address(text);
        ASSERT_TRUE(address);
        address->ifindex = ifindex("nv0");
        wanted.push_back(*address);
        for (int times = 0; times < 2; ++times) {
            const auto added = add_address(*address);
            ASSERT_TRUE(added) << added.error().message();
        }
    }
    const auto found = interface_addresses(ifindex("nv0"));
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_THAT(*found, testing::UnorderedElementsAreArray(wanted));
}

TEST_F(InterfaceAddressesTest, AnAddressOfNoNetdeviceIsAnError) {
    auto address = parse_interface_address("192.0.2.7/24");
    ASSERT_TRUE(address);
    address->ifindex = 999'999;
    const auto added = add_address(*address);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().number, ENODEV);
}

} // namespace
} // namespace netvsc
